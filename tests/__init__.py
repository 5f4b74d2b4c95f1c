"""The suite mirrors the tower."""
