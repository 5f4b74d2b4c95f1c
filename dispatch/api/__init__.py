"""REST v1 of the dispatch storey."""
