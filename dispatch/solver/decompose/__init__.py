"""A large problem split into parts, and their plans joined. PURE. See ``README.md`` here."""
