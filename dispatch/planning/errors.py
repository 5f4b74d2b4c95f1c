"""The errors of planning. The message of each one states the cause and the remedy."""

from __future__ import annotations

from lastmile.core.errors import Conflict, Invalid, Unavailable


class NothingToPlan(Invalid):
    """The hub has no orders or no shifts on that day."""

    code = "nothing_to_plan"


class PlanNotDraft(Conflict):
    """The plan is not a draft. Only drafts can change; revise a published plan into a new draft."""

    code = "plan_not_draft"


class PlanMoved(Conflict):
    """Another person changed the plan after it was read."""

    code = "plan_moved"


class PlanOutdated(Conflict):
    """Orders or shifts changed after the draft was made; ``data["outdated"]`` names them."""

    code = "plan_outdated"


class NothingChanged(Conflict):
    """There is nothing to update: no order or shift changed, all are served, no rule is broken."""

    code = "nothing_changed"


class NothingToUndo(Conflict):
    """The plan has no edit that can be undone."""

    code = "nothing_to_undo"


class OrderNotInPlan(Invalid):
    """The order is not part of the plan's problem."""

    code = "order_not_in_plan"


class RouteNotInPlan(Invalid):
    """The route or shift is not part of the plan."""

    code = "route_not_in_plan"


class VisitDoesNotFit(Conflict):
    """The visit fits on no route of the tentative plan; ``data["reason"]`` says why."""

    code = "visit_does_not_fit"


class VisitNotPrepared(Unavailable):
    """The day must be read as a whole before a visit can be added; that takes no lock."""

    code = "visit_not_prepared"


class VisitGone(Conflict):
    """The hold is no longer in the tentative plan."""

    code = "visit_gone"


class PlacesLost(Conflict):
    """The draft has no room for holds or new promises; ``data["places"]`` names them."""

    code = "places_lost"


class DayBusy(Conflict):
    """Shoppers changed the day during each try to publish its plan."""

    code = "day_busy"
