"""A whole campaign against the stand-in, with faults and a sender that is killed."""
