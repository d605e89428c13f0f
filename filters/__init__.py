"""How Weft judges: one rule a file, found by walking the folders. See `filters.base.Rule`."""
