"""From a parsed page to its blocks, and from blocks to what the page is about."""
