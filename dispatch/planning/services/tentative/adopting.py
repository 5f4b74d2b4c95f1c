"""Takes the routes of a plan that is being published into the tentative plan of its day.

Live holds and orders that came after the draft was made get their places on the new routes. If
one that has a place now would lose it, the draft is not published.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from dispatch.planning.errors import PlacesLost
from dispatch.planning.models import Plan, Stop, TentativeDay, Unserved
from dispatch.planning.problem.tentative import DayState, read_state
from dispatch.planning.services.tentative.arranging import Arrangement, arrange
from dispatch.planning.services.tentative.locking import LockedDay
from dispatch.planning.services.tentative.reconciling import write_state
from lastmile.core.clock import now

MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Adoption:
    """The places of a day's visits once the draft is published; ``version`` is the draft's."""

    state: DayState
    arrangement: Arrangement
    version: int

    def fits(self, day: LockedDay, draft: Plan) -> bool:
        """Return True if neither the day nor the draft has changed since."""
        return (day.row.version, draft.version) == (self.state.version, self.version)


def prepare_adoption(draft: Plan) -> Adoption:
    """Find the places of the day's visits on the routes of a draft.

    A day without a tentative plan gets one. If no visit is missing on the routes of the draft,
    nothing is computed. Call it outside a transaction.
    """
    row, _new = TentativeDay.objects.select_related("hub", "base_plan").get_or_create(
        hub=draft.hub, service_date=draft.service_date
    )
    state = read_state(row, now(), publishing=draft)
    if len(state.day.orders) == sum(len(keys) for keys in state.sequences.values()):
        arrangement = Arrangement(state.sequences, {})
    else:
        arrangement = arrange(state.day, state.sequences, state.at)
    return Adoption(state, arrangement, draft.version)


def adopt_plan(day: LockedDay, draft: Plan, adoption: Adoption) -> None:
    """Write the places to the rows of the locked day.

    Locks: nothing more. Records: visit.unplaced. Raises: PlacesLost; TakenElsewhere if another day
    takes a visit at this moment.
    """
    _refuse_lost_places(draft, adoption)
    write_state(day, adoption.state, adoption.arrangement)


def _refuse_lost_places(draft: Plan, adoption: Adoption) -> None:
    """Raise PlacesLost if a hold, or a promise that the draft does not list, loses its place.

    The orders that the draft serves or leaves out were seen by the person who publishes it.
    """
    rows = adoption.state.rows
    listed = {
        name
        for model in (Stop, Unserved)
        for name in model.objects.filter(plan=draft).values_list("order__public_id", flat=True)
    }
    lost = [
        key
        for key in sorted(adoption.arrangement.unplaced)
        if key not in listed
        and key in rows
        and rows[key].shift_id is not None
        and rows[key].opens_at is not None
    ]
    if lost:
        raise PlacesLost(
            _(
                "This draft has no room for places that shoppers hold or were promised since it "
                "was made: %(count)d. Update the plan, then publish it."
            )
            % {"count": len(lost)},
            data={"places": lost[:MOST_NAMED], "count": len(lost)},
        )
