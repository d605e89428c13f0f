"""The auditor's tables: one wide row per document, node, image and pair, with its whole fate. No Beam here."""
