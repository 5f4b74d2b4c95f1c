"""Members, sessions, API keys and audit, in the retailer's own schema."""
