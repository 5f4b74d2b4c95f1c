"""Pages of messages for members."""
