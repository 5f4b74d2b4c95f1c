"""The operator's door: retailers opened, suspended and closed, on BASE_DOMAIN alone."""
