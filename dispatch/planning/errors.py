"""Why planning says no: the cause and the remedy, beside the noun."""

from __future__ import annotations

from lastmile.core.errors import Conflict, Invalid


class NothingToPlan(Invalid):
    """The hub has no orders or no shifts on that day."""

    code = "nothing_to_plan"


class PlanNotDraft(Conflict):
    """Only drafts change; a published plan is revised into a new draft."""

    code = "plan_not_draft"


class PlanMoved(Conflict):
    """Somebody else changed the plan since it was read."""

    code = "plan_moved"


class PlanOutdated(Conflict):
    """Orders or shifts changed after the draft was made; ``data["outdated"]`` names them."""

    code = "plan_outdated"


class NothingChanged(Conflict):
    """The plan says what its orders and shifts say, leaves nobody out and breaks nothing."""

    code = "nothing_changed"


class NothingToUndo(Conflict):
    """No edit is left to take back."""

    code = "nothing_to_undo"


class OrderNotInPlan(Invalid):
    """The order is no part of this plan's problem."""

    code = "order_not_in_plan"


class RouteNotInPlan(Invalid):
    """The route or shift is no part of this plan."""

    code = "route_not_in_plan"
