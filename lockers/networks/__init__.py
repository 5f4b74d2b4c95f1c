"""Pages of the accounts at networks of lockers."""
