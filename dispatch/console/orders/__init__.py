"""Orders: the list, one order, a new one, and pins for addresses that were not found."""
