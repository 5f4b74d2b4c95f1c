"""The upgrade test: later versions migrate a stored dump that an older version made."""
