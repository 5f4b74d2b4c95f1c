"""What is known of plans, read-only: lists, pictures, changes, reasons, picking, words."""
