"""A capability in small: remarks on orders. It proves ``lastmile/docs/adding-a-capability.md``.

It has everything that a new app needs and touches no file of core. The tests install it into a
running Django, with a switchboard and a navigation of its own that add to the real ones.
"""
