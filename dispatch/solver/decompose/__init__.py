"""A large problem as several small ones, and back. PURE. See ``README.md`` beside this file."""
