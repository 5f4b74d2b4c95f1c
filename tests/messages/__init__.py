"""The texts of the house in its other languages: found, merged, compiled, checked."""
