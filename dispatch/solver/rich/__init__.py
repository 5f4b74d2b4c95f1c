"""Timing and pricing of one vehicle's route under every rule, compiled, and a search on it. PURE.

``model`` holds a problem in flat arrays. ``scan`` times and prices one sequence. ``gap`` prices an
insertion. ``search`` improves whole plans by ruin and recreate.
"""
