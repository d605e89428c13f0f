"""From the bytes of a page to its tree, written out, as browsers read it: `normal.written`."""
