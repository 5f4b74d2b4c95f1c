"""Meets people: the front page today; choice, tracking and insights stand on this storey."""
