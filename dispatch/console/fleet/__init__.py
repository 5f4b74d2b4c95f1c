"""Pages of the fleet: hubs, zones, vehicles, drivers and shifts."""
