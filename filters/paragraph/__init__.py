"""Rules on one paragraph, one a file."""
