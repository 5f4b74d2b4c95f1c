"""The live day: drivers' devices, what drivers did, runs as they are driven, and incidents."""
