"""The API of lockers, under /api/v1/."""
