"""Members, sessions, API keys and the audit log, in the retailer's own schema."""
