"""Drivers of the demo: a program that uses the driver's app as phones do, by HTTP only."""
