"""Fetching from a hostile web: addresses, transport, politeness, engine. No Beam here."""
