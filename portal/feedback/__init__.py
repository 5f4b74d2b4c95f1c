"""Pages on which shoppers write to the shop and say which messages they want."""
