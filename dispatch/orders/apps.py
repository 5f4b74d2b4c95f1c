from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """The Django app of orders: shoppers, places, orders, parcels, promises and attempts."""

    name = "dispatch.orders"
    label = "orders"
