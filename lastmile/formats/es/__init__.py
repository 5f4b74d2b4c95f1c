"""Number formats for Spanish."""
