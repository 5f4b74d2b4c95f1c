"""Search engines behind one Protocol."""
