"""Routing services outside the installation that give travel times: OSRM and Valhalla."""
