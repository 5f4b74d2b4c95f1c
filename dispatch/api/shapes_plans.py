"""API shapes of plans, routes and stops; only listed fields go in and out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dispatch.api.shapes_stops import StopOut, ViolationOut
from dispatch.planning.models import Plan, PlanEdit, Route, Unserved
from dispatch.planning.selectors.changes import Changes
from dispatch.planning.selectors.explaining import Need
from dispatch.planning.selectors.words import say_need, say_unserved
from dispatch.planning.services import LEAST_S, MOST_S, USUAL_S, redispatching
from lastmile.core.http.fields import DateField, InstantField, ModelOut
from lastmile.core.openapi import example

_EDITS = ("move", "take_off", "sequence", "undo")


@example(hub="external_id:centre", service_date="2027-01-15", seconds=10)
class PlanIn(serializers.Serializer[Any]):
    """The day to plan, and the seconds to search."""

    hub = serializers.CharField(
        max_length=80, help_text="The hub's `id`, or `external_id:` and your own ID."
    )
    service_date = DateField()
    seconds = serializers.IntegerField(min_value=LEAST_S, max_value=MOST_S, default=USUAL_S)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=1)


@example(seconds=5, most_moved=10, most_shifted_minutes=15)
class RedispatchIn(serializers.Serializer[Any]):
    """The seconds to search, and limits on changes of promised vehicles and times.

    null means no limit.
    """

    seconds = serializers.IntegerField(
        min_value=redispatching.LEAST_S,
        max_value=redispatching.MOST_S,
        default=redispatching.USUAL_S,
    )
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=1)
    most_moved = serializers.IntegerField(
        min_value=0,
        max_value=redispatching.MOST_MOVED,
        allow_null=True,
        default=None,
        help_text="Maximum number of orders that change vehicle.",
    )
    most_shifted_minutes = serializers.IntegerField(
        min_value=0,
        max_value=redispatching.MOST_MINUTES,
        allow_null=True,
        default=None,
        help_text="Maximum minutes that a service may begin earlier or later than before. "
        "Exceeded only if the order would otherwise be unserved.",
    )


@example(act="take_off", order="ord_4hq2v7k3m5n6p8r9s0t1w2x3")
class EditIn(serializers.Serializer[Any]):
    """A manual edit of a draft.

    The fields that each act needs: ``move``: order, shift, position · ``take_off``: order ·
    ``sequence``: shift, orders · ``undo``: none.
    """

    act = serializers.ChoiceField(choices=_EDITS)
    order = serializers.CharField(max_length=40, required=False)
    shift = serializers.CharField(max_length=40, required=False)
    position = serializers.IntegerField(min_value=1, max_value=20_000, required=False)
    orders = serializers.ListField(
        child=serializers.CharField(max_length=40), max_length=20_000, required=False
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require the fields that the act needs."""
        needs = {
            "move": ("order", "shift", "position"),
            "take_off": ("order",),
            "sequence": ("shift", "orders"),
            "undo": (),
        }[attrs["act"]]
        missing = {name: ["This act needs this field."] for name in needs if name not in attrs}
        if missing:
            raise serializers.ValidationError(missing)
        return attrs


class PlanOut(ModelOut[Plan]):
    """A plan: one version of a hub's day, with its figures."""

    id = serializers.CharField(source="public_id")
    hub = serializers.CharField(source="hub.public_id")
    operation = serializers.CharField(source="job")
    based_on = serializers.CharField(source="based_on.public_id", default=None)
    cost_minor = serializers.IntegerField()
    published_at = InstantField(allow_null=True)
    created_at = InstantField()

    class Meta:
        model = Plan
        fields = (
            "id", "hub", "service_date", "number", "status", "version", "based_on", "operation",
            "orders_count", "unserved_count", "violations_count", "distance_m", "travel_s",
            "duration_s", "cost_minor", "cost_fixed_minor", "cost_distance_minor",
            "cost_time_minor", "currency", "co2_g", "network", "travel_source", "travel_note",
            "published_at", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class RouteOut(ModelOut[Route]):
    """A route: the stops of one shift in a plan.

    ``weight_g``, ``volume_cm3`` and ``parcels`` are the load that leaves the hub. ``collected_…``
    are the returns that come back to the hub. ``most_…`` is the largest load on board at any time.
    """

    id = serializers.CharField(source="public_id")
    plan = serializers.CharField(source="plan.public_id")
    shift = serializers.CharField(source="shift.public_id")
    vehicle = serializers.CharField(source="vehicle.public_id")
    driver = serializers.CharField(source="driver.public_id", default=None)
    starts_at = InstantField()
    ends_at = InstantField()
    cost_minor = serializers.IntegerField()
    violations = ViolationOut(many=True)

    class Meta:
        model = Route
        fields = (
            "id", "plan", "number", "shift", "vehicle", "driver", "starts_at", "ends_at",
            "distance_m", "travel_s", "service_s", "wait_s", "breaks", "weight_g", "volume_cm3",
            "parcels", "cost_minor", "cost_fixed_minor", "cost_distance_minor", "cost_time_minor",
            "co2_g", "violations", "collected_weight_g", "collected_volume_cm3",
            "collected_parcels", "most_weight_g", "most_volume_cm3", "most_parcels",
        )  # fmt: skip
        read_only_fields = fields


class RouteDetailOut(RouteOut):
    """A route with its stops and its line: one list of [lon, lat] per leg."""

    stops = StopOut(many=True)

    class Meta(RouteOut.Meta):
        fields = (  # type: ignore[assignment]
            *RouteOut.Meta.fields,
            "stops",
            "geometry",
        )


class UnservedOut(ModelOut[Unserved]):
    """An order that the plan does not serve: the reason as a code, as a text, and a remedy."""

    order = serializers.CharField(source="order.public_id")
    external_id = serializers.CharField(source="order.external_id", allow_null=True)
    why = serializers.SerializerMethodField()
    remedy = serializers.SerializerMethodField()

    class Meta:
        model = Unserved
        fields = ("order", "external_id", "reason", "params", "why", "remedy")
        read_only_fields = fields

    def get_why(self, row: Unserved) -> str:
        """Return the reason, in the reader's language."""
        return say_unserved(row.reason, row.params)[0]

    def get_remedy(self, row: Unserved) -> str:
        """Return a remedy, in the reader's language."""
        return say_unserved(row.reason, row.params)[1]


class PlanDetailOut(PlanOut):
    """A plan with its routes (without stops), its unserved orders, and how it was solved.

    A replay needs `engine`, `solver_version`, `seed`, `work` and `input_sha256`.
    """

    routes = RouteOut(many=True)
    unserved = UnservedOut(many=True)

    class Meta(PlanOut.Meta):
        fields = (  # type: ignore[assignment]
            *PlanOut.Meta.fields,
            "routes",
            "unserved",
            "engine",
            "solver_version",
            "seed",
            "work",
            "input_sha256",
            "solve_ms",
        )
        read_only_fields = fields  # type: ignore[assignment]


class EditOut(ModelOut[PlanEdit]):
    """A manual edit of a plan."""

    created_at = InstantField()

    class Meta:
        model = PlanEdit
        fields = ("number", "act", "actor", "facts", "undone", "created_at")
        read_only_fields = fields


class EditsOut(serializers.Serializer[Any]):
    """The last hundred manual edits of a plan, newest first."""

    items = EditOut(many=True)


class OptionOut(serializers.Serializer[Any]):
    """A feasible place for an order on a route, and the time, distance, cost and CO2e it adds."""

    shift = serializers.CharField()
    position = serializers.IntegerField()
    added_s = serializers.IntegerField()
    added_m = serializers.IntegerField()
    added_cost_minor = serializers.IntegerField()
    added_co2_g = serializers.IntegerField()


class OptionsOut(serializers.Serializer[Any]):
    """The best places for an order on each route, cheapest first."""

    items = OptionOut(many=True)


class SpotOut(serializers.Serializer[Any]):
    """A place for an order on a shift's route: when service would begin, and what the place adds.

    If the order already has a place, the other places show the difference from ``here``.
    """

    shift = serializers.CharField(source="shift.public_id")
    position = serializers.IntegerField()
    starts_at = InstantField()
    added_s = serializers.IntegerField()
    added_m = serializers.IntegerField()
    added_cost_minor = serializers.IntegerField()
    added_co2_g = serializers.IntegerField()


class NeedOut(serializers.Serializer[Any]):
    """A change, such as a later end of shift, that would help to get an order into the plan.

    ``amount`` is the smallest amount that is enough.

    ``kind`` decides the unit of ``amount``: seconds, metres, minor units of money, or the unit of
    the dimension ``what``.
    """

    kind = serializers.CharField()
    amount = serializers.IntegerField()
    shift = serializers.CharField()
    order = serializers.CharField()
    what = serializers.CharField()
    detail = serializers.SerializerMethodField()

    def get_detail(self, need: Need) -> str:
        """Return the change as a sentence, in the reader's language."""
        return say_need(need.kind, need.params)


class OpeningOut(serializers.Serializer[Any]):
    """A smallest set of changes that lets the order into the plan, and the place it then has.

    All changes in ``needs`` are necessary. ``place`` is a place on a route.
    """

    needs = NeedOut(many=True)
    place = SpotOut(source="spot")


class ObstacleOut(serializers.Serializer[Any]):
    """A shift that cannot take the order, with the smallest sets of changes that would allow it."""

    shift = serializers.CharField(source="shift.public_id")
    openings = OpeningOut(many=True)


class WhyOut(serializers.Serializer[Any]):
    """The explanation of an order's place; ``here`` is null if the order is unserved."""

    order = serializers.CharField()
    here = SpotOut(allow_null=True)
    others = SpotOut(many=True)
    obstacles = ObstacleOut(many=True)
    openings = OpeningOut(many=True)
    complete = serializers.BooleanField()


class ChangesOut(serializers.Serializer[Any]):
    """The orders and shifts that changed since the plan was made.

    The counts are complete; each list has at most a hundred ids.
    """

    _MOST = 100
    came_count = serializers.SerializerMethodField()
    gone_count = serializers.SerializerMethodField()
    changed_count = serializers.SerializerMethodField()
    came = serializers.SerializerMethodField()
    gone = serializers.SerializerMethodField()
    changed = serializers.SerializerMethodField()
    shifts_came = serializers.SerializerMethodField()
    shifts_gone = serializers.SerializerMethodField()

    def get_came_count(self, changes: Changes) -> int:
        """Return the number of orders that are new since the plan was made."""
        return len(changes.came)

    def get_gone_count(self, changes: Changes) -> int:
        """Return the number of orders of the plan that are no longer to be served on this day."""
        return len(changes.gone)

    def get_changed_count(self, changes: Changes) -> int:
        """Return the number of orders with another time window, place, load or service time."""
        return len(changes.changed)

    def get_came(self, changes: Changes) -> list[str]:
        """Return the public ids of new orders."""
        return sorted(changes.came)[: self._MOST]

    def get_gone(self, changes: Changes) -> list[str]:
        """Return the public ids of orders that are no longer to be served on this day."""
        return sorted(changes.gone)[: self._MOST]

    def get_changed(self, changes: Changes) -> list[str]:
        """Return the public ids of changed orders."""
        return sorted(changes.changed)[: self._MOST]

    def get_shifts_came(self, changes: Changes) -> list[str]:
        """Return the public ids of shifts that are new since the plan was made."""
        return sorted(changes.shifts_came)[: self._MOST]

    def get_shifts_gone(self, changes: Changes) -> list[str]:
        """Return the public ids of shifts that are no longer scheduled."""
        return sorted(changes.shifts_gone)[: self._MOST]


class PlanRequestedOut(serializers.Serializer[Any]):
    """The job that makes the plan; ``operations/{operation}/`` shows its progress."""

    operation = serializers.CharField(source="public_id")
    state = serializers.CharField()
