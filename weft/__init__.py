"""The command line. The only package that knows all others; it imports each when a verb needs it."""

__version__ = "0.1.0"
