"""The public front page and the retailer's home."""
