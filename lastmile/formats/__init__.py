"""Number formats of languages for which Django's own formats do not fit."""
