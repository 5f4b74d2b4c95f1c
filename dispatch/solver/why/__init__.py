"""Why a visit stands where it stands, and what would let in one that stands nowhere. PURE.

``asking.Explainer`` is the door; ``answer`` holds its words, ``relax`` says what each relaxation
changes, ``scene`` tries it out on one vehicle, ``smallest`` finds the fewest that are enough.
``explain`` stays the owner of the reasons that every solution carries.
"""
