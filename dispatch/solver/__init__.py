"""Route optimisation: a Problem in, a refereed Solution out. PURE: no Django."""
