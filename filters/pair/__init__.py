"""Rules on one pair, one a file."""
