"""Rules on one url, one a file."""
