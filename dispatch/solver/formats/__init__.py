"""Files in and out: VRPLIB, Solomon, the project's JSON."""
