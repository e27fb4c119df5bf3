"""What shall be sent: the campaign file, as frozen values."""
