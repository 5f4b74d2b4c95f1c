"""A small example app, remarks on orders, that tests ``lastmile/docs/adding-a-capability.md``.

The app has everything that a new app needs and changes no file of core. The tests install it into
a running Django. Its own switchboard and navigation add to the real ones.
"""
