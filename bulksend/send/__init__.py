"""Each message once, no faster than allowed."""
