"""The tables of the rules that open slots: SlotTemplate, Blackout and HubCalendar."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from dispatch.fleet.models import Hub, Zone
from dispatch.orders.models import Option
from lastmile.core.bases import PublicIdField, Timestamped

#: The options that have slots. Lockers and counters have places of their own.
OFFERED_OPTIONS = (Option.WINDOW, Option.CURBSIDE)
OPTION_VALUES = [option.value for option in OFFERED_OPTIONS]


class HolidayRule(models.TextChoices):
    """The effect of a public holiday on a template."""

    OPEN = "open"
    CLOSED = "closed"


class SlotTemplate(Timestamped):
    """A rule that opens slots of one hub, zone and option.

    ``rrule`` (RFC 5545, without DTSTART) gives the service dates from ``starts_on`` to ``ends_on``,
    both included. Each date has windows from ``opens_minute`` to ``closes_minute``, local minutes
    of the day: one window, or one for each ``window_minutes``. ``closes_minute`` may exceed 1440,
    which means the next day. ``zone`` None is the whole area of the hub.

    A capacity None has no limit; each capacity is for one slot. The cut-off is the local minute
    ``cutoff_minute``, ``cutoff_days`` before the service date. ``lead_minutes`` is the shortest
    time before a slot opens. Each is None without such a rule. Prices are in the currency of the
    retailer.
    """

    public_id = PublicIdField("tpl")
    external_id = models.CharField(max_length=64, null=True, unique=True)
    name = models.CharField(max_length=120)
    hub = models.ForeignKey(Hub, on_delete=models.PROTECT, related_name="slot_templates")
    zone = models.ForeignKey(
        Zone, null=True, on_delete=models.PROTECT, related_name="slot_templates"
    )
    option = models.CharField(max_length=16, choices=Option.choices)
    rrule = models.CharField(max_length=500)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    opens_minute = models.PositiveSmallIntegerField()
    closes_minute = models.PositiveSmallIntegerField()
    window_minutes = models.PositiveSmallIntegerField(null=True)
    capacity_orders = models.PositiveIntegerField(null=True)
    capacity_work_s = models.PositiveIntegerField(null=True)
    capacity_weight_g = models.PositiveBigIntegerField(null=True)
    capacity_volume_cm3 = models.PositiveBigIntegerField(null=True)
    cutoff_days = models.PositiveSmallIntegerField(default=0)
    cutoff_minute = models.PositiveSmallIntegerField(null=True)
    lead_minutes = models.PositiveIntegerField(null=True)
    opens_days_ahead = models.PositiveSmallIntegerField(default=14)
    base_minor = models.PositiveBigIntegerField(default=0)
    surcharge_minor = models.PositiveBigIntegerField(default=0)
    on_holidays = models.CharField(
        max_length=8, choices=HolidayRule.choices, default=HolidayRule.CLOSED
    )
    active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.CheckConstraint(name="template_named", condition=~Q(name="")),
            models.CheckConstraint(name="template_option", condition=Q(option__in=OPTION_VALUES)),
            models.CheckConstraint(
                name="template_holidays", condition=Q(on_holidays__in=HolidayRule.values)
            ),
            models.CheckConstraint(
                name="template_forwards",
                condition=Q(
                    opens_minute__lt=1440,
                    closes_minute__gt=F("opens_minute"),
                    closes_minute__lte=F("opens_minute") + 1440,
                ),
            ),
            models.CheckConstraint(
                name="template_windows",
                condition=Q(window_minutes__isnull=True) | Q(window_minutes__gte=5),
            ),
            models.CheckConstraint(
                name="template_dates",
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
            ),
            models.CheckConstraint(
                name="template_cutoff",
                condition=Q(cutoff_minute__isnull=True, cutoff_days=0)
                | Q(cutoff_minute__isnull=False, cutoff_minute__lt=1440, cutoff_days__lte=60),
            ),
            models.CheckConstraint(
                name="template_days_ahead",
                condition=Q(opens_days_ahead__gte=1, opens_days_ahead__lte=90),
            ),
        )

    def __str__(self) -> str:
        return self.name


class Blackout(Timestamped):
    """Dates without slots, both included, of all hubs or some, in the hub's own time zone.

    ``hub`` None means all hubs, ``zone`` None all zones of the hub, ``option`` "" all options.
    The days are dates, never instants, so each reader sees the same dates.
    """

    public_id = PublicIdField("blk")
    external_id = models.CharField(max_length=64, null=True, unique=True)
    hub = models.ForeignKey(Hub, null=True, on_delete=models.CASCADE, related_name="blackouts")
    zone = models.ForeignKey(Zone, null=True, on_delete=models.PROTECT, related_name="blackouts")
    option = models.CharField(max_length=16, choices=Option.choices, default="", blank=True)
    first_on = models.DateField()
    last_on = models.DateField()
    reason = models.CharField(max_length=120, default="", blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("first_on", "id")
        indexes = (models.Index(name="blackout_last_on", fields=["last_on"]),)
        constraints = (
            models.CheckConstraint(
                name="blackout_forwards", condition=Q(last_on__gte=F("first_on"))
            ),
            models.CheckConstraint(
                name="blackout_option", condition=Q(option__in=["", *OPTION_VALUES])
            ),
            models.CheckConstraint(
                name="blackout_zone_has_hub",
                condition=Q(zone__isnull=True) | Q(hub__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.first_on} to {self.last_on}"


class HubCalendar(Timestamped):
    """The public holidays of a hub: a country (ISO 3166-1) and a subdivision (ISO 3166-2 part).

    ``country`` "" means that the hub has no public holidays. A hub without a row uses the country
    of its time zone.
    """

    hub = models.OneToOneField(Hub, on_delete=models.CASCADE, related_name="calendar")
    country = models.CharField(max_length=2, default="", blank=True)
    subdivision = models.CharField(max_length=8, default="", blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="calendar_subdivision_has_country",
                condition=Q(subdivision="") | ~Q(country=""),
            ),
        )

    def __str__(self) -> str:
        return f"{self.country}-{self.subdivision}" if self.subdivision else self.country
