"""A year of campaigns to people everywhere, by the engine itself, and a judge of its own."""
