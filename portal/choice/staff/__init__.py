"""Staff pages about choosing: what shoppers chose, and why an option was not offered."""
