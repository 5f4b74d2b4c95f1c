"""Changing a plan after something happened, also while it is being driven. PURE.

``run.redispatch`` is the entry point. ``change`` describes what happened. ``remaining`` states the
rest of the day as a problem of its own. ``disturbance`` prices and limits what the new plan
changes. ``search`` repairs and improves the plan.
"""
