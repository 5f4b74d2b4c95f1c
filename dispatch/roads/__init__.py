"""Street networks of the installation: travel times, route geometry, map tiles and addresses."""
