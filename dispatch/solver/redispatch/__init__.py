"""A plan that is already being driven, and the day is not as planned: what now. PURE.

``run.redispatch`` is the verb. ``change`` says what happened, ``cut`` leaves the rest of the day
as a problem of its own, ``unrest`` prices and bounds what the new plan may disturb, ``search``
repairs and improves it.
"""
