"""One vehicle's sequence under every rule of the model, compiled, and a search that uses it. PURE.

``model`` lays a problem out in flat arrays; ``scan`` times and prices one sequence; ``board``
tries a visit in every gap; ``search`` ruins and recreates whole plans.
"""
