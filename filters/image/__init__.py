"""Rules on one image, one a file."""
