"""Shopper, Place, Order, Parcel, Promise, Attempt."""
