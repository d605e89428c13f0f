"""What the text rules share: the view of a text (tokens, counts), word lists, languages."""
