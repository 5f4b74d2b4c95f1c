"""The base package: settings, wiring by name, embedded services, and core."""
