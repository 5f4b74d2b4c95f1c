"""A dump made by an older version, kept so that every later version is tried on its data."""
