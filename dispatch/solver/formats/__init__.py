"""The file formats: the project's JSON, packed files, Solomon, VRPLIB, Li & Lim."""
