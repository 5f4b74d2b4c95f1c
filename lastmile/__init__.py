"""The ground: settings, wiring by name, embedded services, and core."""
