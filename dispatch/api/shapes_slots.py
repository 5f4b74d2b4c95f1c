"""API shapes of slot templates, blackouts, holiday calendars and slots."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dispatch.api.shapes_fleet import HUB_REF, hub_id
from dispatch.slots.models import Blackout, HolidayRule, Slot, SlotTemplate
from dispatch.slots.models.templates import OPTION_VALUES
from dispatch.slots.states import SlotState
from lastmile.core.http.fields import (
    DateField,
    InstantField,
    ModelOut,
    external_id,
    optional_text,
    text,
    whole,
)
from lastmile.core.openapi import example

_ZONE_REF = "The zone's `id`, or `external_id:` and your own ID; null for the whole hub."
_MINUTE = "Local minute of the day in the hub's time zone: 600 is 10:00."
_LARGE = 10**12


def _limit(most: int, help_text: str) -> serializers.IntegerField:
    return whole(most, required=False, allow_null=True, help_text=f"{help_text} Null: no limit.")


class _ZoneId(serializers.CharField):
    """The public id of a row's zone; null without a zone."""

    def __init__(self) -> None:
        super().__init__(source="zone.public_id", read_only=True, allow_null=True, default=None)


@example(capacity_orders=12, capacity_weight_g=400_000)
class CapacityIn(serializers.Serializer[Any]):
    """The capacity of a slot in each dimension."""

    capacity_orders = _limit(100_000, "Orders that one slot takes.")
    capacity_work_s = _limit(2**31 - 1, "Seconds of work at the door.")
    capacity_weight_g = _limit(_LARGE, "Weight in grams.")
    capacity_volume_cm3 = _limit(_LARGE, "Volume in cubic centimetres.")
    base_minor = whole(
        2**31 - 1, required=False, help_text="Base price in minor units of your currency."
    )
    surcharge_minor = whole(
        2**31 - 1, required=False, help_text="Surcharge, also when delivery is free."
    )


@example(
    name="Weekdays",
    hub="external_id:centre",
    option="window",
    rrule="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    starts_on="2026-11-30",
    opens_minute=600,
    closes_minute=1_200,
    window_minutes=120,
    capacity_orders=12,
    cutoff_days=1,
    cutoff_minute=1_080,
    base_minor=2_990,
)
class SlotTemplateIn(CapacityIn):
    """A rule that opens slots."""

    external_id = external_id()
    name = text(120)
    hub = serializers.CharField(max_length=80, help_text=HUB_REF)
    zone = serializers.CharField(
        max_length=80, required=False, allow_null=True, help_text=_ZONE_REF
    )
    option = serializers.ChoiceField(choices=OPTION_VALUES)
    rrule = serializers.CharField(
        max_length=500, help_text="RFC 5545 recurrence rule of whole days, without DTSTART."
    )
    starts_on = DateField(help_text="First date.")
    ends_on = DateField(required=False, allow_null=True, help_text="Last date; null: no end.")
    opens_minute = whole(1_439, help_text=f"Start of the first window. {_MINUTE}")
    closes_minute = whole(2_879, 1, help_text="End of the last window; above 1440: the next day.")
    window_minutes = whole(
        1_440, 5, required=False, allow_null=True, help_text="Length of a window. Null: one window."
    )
    cutoff_days = whole(60, required=False, help_text="Days before the service date.")
    cutoff_minute = whole(
        1_439, required=False, allow_null=True, help_text=f"Cut-off. {_MINUTE} Null: none."
    )
    lead_minutes = whole(
        86_400, required=False, allow_null=True, help_text="Shortest time before a slot opens."
    )
    opens_days_ahead = whole(90, 1, required=False, help_text="Days for which slots are opened.")
    on_holidays = serializers.ChoiceField(choices=HolidayRule.values, required=False)
    active = serializers.BooleanField(required=False)


@example(capacity_orders=20, base_minor=2_990)
class SlotTemplateChangeIn(SlotTemplateIn):
    """The fields of a template that would change; the others keep their values."""

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields


class SlotTemplateOut(ModelOut[SlotTemplate]):
    """A rule that opens slots."""

    id = serializers.CharField(source="public_id", read_only=True)
    hub = hub_id()
    zone = _ZoneId()

    class Meta:
        model = SlotTemplate
        fields = (
            "id", "external_id", "name", "hub", "zone", "option", "rrule", "starts_on", "ends_on",
            "opens_minute", "closes_minute", "window_minutes", "capacity_orders",
            "capacity_work_s", "capacity_weight_g", "capacity_volume_cm3", "cutoff_days",
            "cutoff_minute", "lead_minutes", "opens_days_ahead", "base_minor", "surcharge_minor",
            "on_holidays", "active", "created_at", "updated_at", "version",
        )  # fmt: skip
        read_only_fields = fields


class WindowOut(serializers.Serializer[Any]):
    """A window that a template gives. It can be booked before `book_until_at`."""

    service_date = serializers.DateField()
    opens_at = InstantField()
    closes_at = InstantField()
    book_until_at = InstantField()


class LeftOutOut(serializers.Serializer[Any]):
    """A window that a template does not open, with the reason."""

    service_date = serializers.DateField()
    opens_minute = serializers.IntegerField()
    closes_minute = serializers.IntegerField()
    reason = serializers.CharField(help_text="blackout, holiday, no_such_time or hub_closed.")
    name = serializers.CharField(help_text="Name of the public holiday; else empty.")


class NextWindowsOut(serializers.Serializer[Any]):
    """The next windows of a template, and those that it leaves out until then."""

    windows = WindowOut(many=True, source="occurrences")
    left_out = LeftOutOut(many=True)


class TouchedSlotOut(serializers.Serializer[Any]):
    """A slot with orders or holds that a change touches. Its promises are kept."""

    slot = serializers.CharField(source="slot.public_id")
    change = serializers.ChoiceField(
        choices=["closes", "keeps"],
        help_text="closes: it takes no more orders. keeps: it keeps its capacity and prices, "
        "unless you send `with_orders=true`.",
    )
    opens_at = InstantField(source="slot.opens_at")
    closes_at = InstantField(source="slot.closes_at")
    orders = serializers.ListField(
        child=serializers.CharField(), help_text="Orders with a promise."
    )
    waiting = serializers.IntegerField(help_text="Places that shoppers hold.")


class EffectOut(serializers.Serializer[Any]):
    """The effect of a change that is not made yet."""

    opened = serializers.IntegerField(help_text="Slots that will open.")
    changed = serializers.IntegerField(help_text="Slots without orders that will change.")
    removed = serializers.IntegerField(help_text="Slots without orders that will be removed.")
    touched = TouchedSlotOut(many=True)
    more = serializers.IntegerField(help_text="Touched slots that are not named here.")


class HolidayOut(serializers.Serializer[Any]):
    """A public holiday."""

    date = serializers.DateField()
    name = serializers.CharField()


@example(country="CL", subdivision="")
class HubCalendarIn(serializers.Serializer[Any]):
    """The country and the region whose public holidays a hub has."""

    country = serializers.CharField(
        max_length=2, allow_blank=True, help_text="ISO 3166-1 code; empty: no public holidays."
    )
    subdivision = optional_text(8, help_text="Part of an ISO 3166-2 code. Empty: whole country.")


class HubCalendarOut(serializers.Serializer[Any]):
    """The public holidays of a hub. A hub starts with the country of its time zone."""

    hub = serializers.CharField()
    country = serializers.CharField(allow_blank=True)
    subdivision = serializers.CharField(allow_blank=True)
    holidays = HolidayOut(many=True, help_text="The next public holidays.")
    version = serializers.IntegerField()


@example(
    hub="external_id:centre", first_on="2026-12-24", last_on="2026-12-26", reason="Stocktaking"
)
class BlackoutIn(serializers.Serializer[Any]):
    """Dates without slots, in the hub's own time zone, both included."""

    external_id = external_id()
    hub = serializers.CharField(
        max_length=80, required=False, allow_null=True, help_text=f"{HUB_REF} Null: all hubs."
    )
    zone = serializers.CharField(
        max_length=80, required=False, allow_null=True, help_text=_ZONE_REF
    )
    option = serializers.ChoiceField(
        choices=["", *OPTION_VALUES], required=False, help_text="Empty: all options."
    )
    first_on = DateField(help_text="First date.")
    last_on = DateField(required=False, help_text="Last date; without it the first date only.")
    reason = optional_text(120)


class BlackoutOut(ModelOut[Blackout]):
    """Dates without slots."""

    id = serializers.CharField(source="public_id", read_only=True)
    hub = hub_id(allow_null=True, default=None)
    zone = _ZoneId()

    class Meta:
        model = Blackout
        fields = (
            "id", "external_id", "hub", "zone", "option", "first_on", "last_on", "reason",
            "created_at", "updated_at", "version",
        )  # fmt: skip
        read_only_fields = fields


@example(state="closed", capacity_orders=8)
class SlotIn(CapacityIn):
    """The changes of a slot. No promise changes."""

    state = serializers.ChoiceField(choices=[s.value for s in SlotState], required=False)


class SlotOut(ModelOut[Slot]):
    """A slot with what is taken of it. Expired holds count until they are given back."""

    id = serializers.CharField(source="public_id", read_only=True)
    hub = hub_id()
    zone = _ZoneId()
    template = serializers.CharField(
        source="template.public_id", read_only=True, allow_null=True, default=None
    )
    state = serializers.CharField(read_only=True, help_text="open or closed.")
    free_orders = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Free places, never negative; null: no limit."
    )

    class Meta:
        model = Slot
        fields = (
            "id", "hub", "zone", "option", "template", "service_date", "opens_at", "closes_at",
            "book_until_at", "capacity_orders", "capacity_work_s", "capacity_weight_g",
            "capacity_volume_cm3", "taken_orders", "taken_work_s", "taken_weight_g",
            "taken_volume_cm3", "held_by_checkouts", "free_orders", "state", "closed_reason",
            "base_minor", "surcharge_minor", "created_at", "updated_at", "version",
        )  # fmt: skip
        read_only_fields = fields
