"""The dispatcher's pages: the board, orders, imports, fleet."""
