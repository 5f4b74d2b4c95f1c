from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """What is carried, for whom, where to, and what was promised."""

    name = "dispatch.orders"
    label = "orders"
