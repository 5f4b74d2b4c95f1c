"""Flows through all of Lastmile, as its users go through them."""
