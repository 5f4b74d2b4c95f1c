"""Pages of orders: the list, an order, a new order, and pins for addresses not found."""
