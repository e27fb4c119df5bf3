"""What has happened, durably."""
