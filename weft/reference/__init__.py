"""Reference pages made from the code: `python -m weft.reference` writes docs/reference/, `--check` says what is out of date."""
