"""Rules over the source itself."""
