"""The public front page, the retailer's home page and the gallery of components."""
