"""How a language writes numbers, where it differs from Django's own file."""
