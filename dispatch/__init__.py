"""Deliveries: orders, fleet, road networks, the solver, planning, and the dispatcher's pages."""
