"""Shared pointers: which schema has work of which kind, due when. No content."""
