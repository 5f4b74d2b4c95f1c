"""Orders: what a retailer delivers or takes back, for which shopper, and what was promised."""
