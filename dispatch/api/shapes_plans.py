"""What goes in and out of plans, routes and stops; every field is named."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dispatch.planning.models import Plan, PlanEdit, Route, Stop, Unserved
from dispatch.planning.selectors.changes import Changes
from dispatch.planning.selectors.explaining import Need
from dispatch.planning.selectors.schedule import breaks_of, wait_s
from dispatch.planning.selectors.words import say_need, say_unserved, say_violation
from dispatch.planning.services import LEAST_S, MOST_S, USUAL_S, redispatching
from lastmile.core.http.fields import DateField, InstantField, ModelOut
from lastmile.core.openapi import example

_EDITS = ("move", "take_off", "sequence", "undo")


@example(hub="external_id:centre", service_date="2027-01-15", seconds=10)
class PlanIn(serializers.Serializer[Any]):
    """Which day to plan, and how long to search."""

    hub = serializers.CharField(max_length=80, help_text="Public id, or external_id:yours.")
    service_date = DateField()
    seconds = serializers.IntegerField(min_value=LEAST_S, max_value=MOST_S, default=USUAL_S)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=1)


@example(seconds=5, most_moved=10, most_shifted_minutes=15)
class RedispatchIn(serializers.Serializer[Any]):
    """How long to search, and how much of what people were told may change; null is unbounded."""

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
        help_text="Orders that another vehicle brings, at most.",
    )
    most_shifted_minutes = serializers.IntegerField(
        min_value=0,
        max_value=redispatching.MOST_MINUTES,
        allow_null=True,
        default=None,
        help_text="No service begins so much earlier or later, unless its order would be lost.",
    )


@example(act="take_off", order="ord_4hq2v7k3m5n6p8r9s0t1w2x3")
class EditIn(serializers.Serializer[Any]):
    """One change by hand.

    ``move``: order, shift, position · ``take_off``: order · ``sequence``: shift, orders · ``undo``.
    """

    act = serializers.ChoiceField(choices=_EDITS)
    order = serializers.CharField(max_length=40, required=False)
    shift = serializers.CharField(max_length=40, required=False)
    position = serializers.IntegerField(min_value=1, max_value=20_000, required=False)
    orders = serializers.ListField(
        child=serializers.CharField(max_length=40), max_length=20_000, required=False
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for what the act needs, by name."""
        needs = {
            "move": ("order", "shift", "position"),
            "take_off": ("order",),
            "sequence": ("shift", "orders"),
            "undo": (),
        }[attrs["act"]]
        missing = {name: ["This act needs it."] for name in needs if name not in attrs}
        if missing:
            raise serializers.ValidationError(missing)
        return attrs


class ViolationOut(serializers.Serializer[Any]):
    """A rule that a hand-edited plan breaks: ``by`` in seconds, metres or of the dimension."""

    code = serializers.CharField()
    by = serializers.IntegerField()
    dimension = serializers.CharField(required=False)
    detail = serializers.SerializerMethodField()

    def get_detail(self, violation: dict[str, Any]) -> str:
        """The sentence, in the reader's language."""
        return say_violation(violation["code"], violation)


class PlanOut(ModelOut[Plan]):
    """One version of one hub's day, with its figures."""

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


class StopOut(ModelOut[Stop]):
    """One order on a route, with its planned times; the leg is the one that leads to it."""

    id = serializers.CharField(source="public_id")
    route = serializers.CharField(source="route.public_id")
    order = serializers.CharField(source="order.public_id")
    external_id = serializers.CharField(source="order.external_id", allow_null=True)
    arrives_at = InstantField()
    starts_at = InstantField()
    departs_at = InstantField()
    violations = ViolationOut(many=True)
    wait_s = serializers.SerializerMethodField(
        help_text="Seconds between arrival and service that are no break."
    )

    class Meta:
        model = Stop
        fields = (
            "id", "route", "position", "order", "external_id", "arrives_at", "starts_at",
            "departs_at", "leg_travel_s", "leg_distance_m", "slack_s", "violations", "wait_s",
        )  # fmt: skip
        read_only_fields = fields

    def get_wait_s(self, stop: Stop) -> int:
        """Seconds between arrival and service that are no break."""
        return wait_s(stop, breaks_of(stop.route))


class RouteOut(ModelOut[Route]):
    """One shift's tour in a plan.

    ``weight_g``, ``volume_cm3`` and ``parcels`` leave the hub, ``collected_…`` are the returns that
    come back to it, ``most_…`` is the most that is on board at once.
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
    """A route with its stops and its line, one list of [lon, lat] a leg."""

    stops = StopOut(many=True)

    class Meta(RouteOut.Meta):
        fields = (  # type: ignore[assignment]
            *RouteOut.Meta.fields,
            "stops",
            "geometry",
        )


class UnservedOut(ModelOut[Unserved]):
    """An order the plan could not take: the reason as a code, why, and what would help."""

    order = serializers.CharField(source="order.public_id")
    external_id = serializers.CharField(source="order.external_id", allow_null=True)
    why = serializers.SerializerMethodField()
    remedy = serializers.SerializerMethodField()

    class Meta:
        model = Unserved
        fields = ("order", "external_id", "reason", "params", "why", "remedy")
        read_only_fields = fields

    def get_why(self, row: Unserved) -> str:
        """The reason, in the reader's language."""
        return say_unserved(row.reason, row.params)[0]

    def get_remedy(self, row: Unserved) -> str:
        """What would help, in the reader's language."""
        return say_unserved(row.reason, row.params)[1]


class PlanDetailOut(PlanOut):
    """A plan with its routes (without stops), everyone left out, and how it was solved.

    `engine`, `solver_version`, `seed`, `work` and `input_sha256` are what a replay needs.
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
    """One change by hand, as it was made."""

    created_at = InstantField()

    class Meta:
        model = PlanEdit
        fields = ("number", "act", "actor", "facts", "undone", "created_at")
        read_only_fields = fields


class EditsOut(serializers.Serializer[Any]):
    """The changes of a plan, newest first, the last hundred."""

    items = EditOut(many=True)


class OptionOut(serializers.Serializer[Any]):
    """A feasible place for an order and what it adds there."""

    shift = serializers.CharField()
    position = serializers.IntegerField()
    added_s = serializers.IntegerField()
    added_m = serializers.IntegerField()
    added_cost_minor = serializers.IntegerField()
    added_co2_g = serializers.IntegerField()


class OptionsOut(serializers.Serializer[Any]):
    """The best places on each route, the cheapest first."""

    items = OptionOut(many=True)


class SpotOut(serializers.Serializer[Any]):
    """A place on a shift's route: when it would be served there, and what that adds.

    Where the order is served, the places beside ``here`` say what they add beyond it.
    """

    shift = serializers.CharField(source="shift.public_id")
    position = serializers.IntegerField()
    starts_at = InstantField()
    added_s = serializers.IntegerField()
    added_m = serializers.IntegerField()
    added_cost_minor = serializers.IntegerField()
    added_co2_g = serializers.IntegerField()


class NeedOut(serializers.Serializer[Any]):
    """One thing that would have to give way, by the least that is enough.

    ``amount`` is in seconds, metres, minor units or of the dimension ``what``, as ``kind`` says.
    """

    kind = serializers.CharField()
    amount = serializers.IntegerField()
    shift = serializers.CharField()
    order = serializers.CharField()
    what = serializers.CharField()
    detail = serializers.SerializerMethodField()

    def get_detail(self, need: Need) -> str:
        """The sentence, in the reader's language."""
        return say_need(need.kind, need.params)


class OpeningOut(serializers.Serializer[Any]):
    """Needs that are enough together, none to be spared, and where the order would then be."""

    needs = NeedOut(many=True)
    place = SpotOut(source="spot")


class ObstacleOut(serializers.Serializer[Any]):
    """A shift that cannot take the order, and each smallest set of needs by which it could."""

    shift = serializers.CharField(source="shift.public_id")
    openings = OpeningOut(many=True)


class WhyOut(serializers.Serializer[Any]):
    """Why an order stands where it stands; ``here`` is null where it is unserved."""

    order = serializers.CharField()
    here = SpotOut(allow_null=True)
    others = SpotOut(many=True)
    obstacles = ObstacleOut(many=True)
    openings = OpeningOut(many=True)
    complete = serializers.BooleanField()


class ChangesOut(serializers.Serializer[Any]):
    """How many orders and shifts are not as they were when the plan was made, and which.

    Of each kind the first hundred are named.
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
        """Orders that the plan does not know."""
        return len(changes.came)

    def get_gone_count(self, changes: Changes) -> int:
        """Orders of the plan that are not to be carried on this day any more."""
        return len(changes.gone)

    def get_changed_count(self, changes: Changes) -> int:
        """Orders with another window, place, load or time at the door."""
        return len(changes.changed)

    def get_came(self, changes: Changes) -> list[str]:
        """Public ids."""
        return sorted(changes.came)[: self._MOST]

    def get_gone(self, changes: Changes) -> list[str]:
        """Public ids."""
        return sorted(changes.gone)[: self._MOST]

    def get_changed(self, changes: Changes) -> list[str]:
        """Public ids."""
        return sorted(changes.changed)[: self._MOST]

    def get_shifts_came(self, changes: Changes) -> list[str]:
        """Public ids of shifts that the plan does not know."""
        return sorted(changes.shifts_came)[: self._MOST]

    def get_shifts_gone(self, changes: Changes) -> list[str]:
        """Public ids of shifts that are scheduled no more."""
        return sorted(changes.shifts_gone)[: self._MOST]


class PlanRequestedOut(serializers.Serializer[Any]):
    """The job that makes the plan; ask ``operations/{operation}/`` how far it is."""

    operation = serializers.CharField(source="public_id")
    state = serializers.CharField()
