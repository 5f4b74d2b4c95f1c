from django.apps import AppConfig


class SlotsConfig(AppConfig):
    """The Django app of delivery slots: templates, slots, holds and choices."""

    name = "dispatch.slots"
    label = "slots"
