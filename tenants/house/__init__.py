"""The operator's pages and API on BASE_DOMAIN: open, suspend, resume and close retailers."""
