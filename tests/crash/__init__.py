"""Senders that are killed, frozen and doubled, and what the server saw of it."""
