"""Template tags of the pages of tenants."""
