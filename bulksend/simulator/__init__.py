"""A Bandwidth that runs on your desk; shares no code with the client."""
