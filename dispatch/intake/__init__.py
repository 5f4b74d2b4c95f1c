"""Orders in: files and API calls become orders, row by row, with reasons."""
