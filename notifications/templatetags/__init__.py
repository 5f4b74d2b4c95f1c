"""Template tags of the pages about messages."""
