"""The fleet of a retailer: hubs, zones, vehicles, drivers and shifts."""
