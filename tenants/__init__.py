"""Retailers and the access to them: members, roles, API keys, settings and the audit log."""
