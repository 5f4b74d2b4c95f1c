"""Hub, Zone, Vehicle, Driver, Shift."""
