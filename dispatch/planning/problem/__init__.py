"""The conversion between rows and the solver: a day as a Problem, a Solution as timed rows."""
