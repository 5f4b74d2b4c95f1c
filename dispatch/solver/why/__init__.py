"""Explanations: why a visit has its place in a plan, and what would admit an unserved one. PURE.

``explainer.Explainer`` is the entry point. ``answer`` holds the result types. ``relax`` applies
relaxations to a problem. ``case`` tries them on one vehicle. ``smallest`` finds the smallest sets
that are enough. The reasons that every solution carries come from ``placing.explain``.
"""
