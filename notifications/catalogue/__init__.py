"""Moments: the occasions that are worth a message, and the default texts."""
