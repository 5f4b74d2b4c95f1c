"""The selectors of lockers."""
