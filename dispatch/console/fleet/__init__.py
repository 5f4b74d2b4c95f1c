"""Fleet: hubs, zones, vehicles, drivers and shifts."""
