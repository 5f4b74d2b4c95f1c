"""A hub's day as the solver's Problem, and a solution as timed rows."""
