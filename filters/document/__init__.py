"""Rules on one document, one a file."""
