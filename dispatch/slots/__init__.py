"""Delivery slots: rules that open them, their capacity, offers, holds and choices."""
