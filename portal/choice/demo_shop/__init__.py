"""A small shop on an origin of its own, which embeds the picker and orders by the public API.

It is a program apart: no Django, no database. Its page calls the checkout API with a public key,
and its own server places the order with a secret key. ``python -m portal.choice.demo_shop FILE``
runs it; the supervisor does so when there are demo retailers.
"""
