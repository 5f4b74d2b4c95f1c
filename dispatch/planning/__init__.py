"""Rows become a Problem, a Solution becomes a Plan with Routes and Stops."""
