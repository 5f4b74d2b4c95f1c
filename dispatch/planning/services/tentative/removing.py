"""Removes visits from a tentative plan, extends a hold, and turns a hold into its order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from django.db.models import Case, F, IntegerField, Q, Value, When
from django.utils.translation import gettext as _

from dispatch.orders.models import Order
from dispatch.planning.errors import VisitDoesNotFit, VisitGone
from dispatch.planning.models import TentativeVisit
from dispatch.planning.problem.closed import ROUTE_LEFT, closed_shifts
from dispatch.planning.services.tentative.locking import LockedDay
from dispatch.planning.services.tentative.log import REMOVE, RENAME, Change, log_changes
from lastmile.core.clock import now


def drop_expired(day: LockedDay, now: dt.datetime, *, but: Collection[str] = ()) -> list[str]:
    """Remove the holds of a locked day that have expired at ``now``; return their keys.

    The visits with the keys ``but`` stay: they are about to be extended.

    Other jobs of planning remove expired holds too, so the caller must not take the keys for all
    holds that expired. Locks: nothing more. Records: nothing. Raises: nothing.
    """
    expired = TentativeVisit.objects.filter(day=day.row, expires_at__lte=now).exclude(
        key__in=list(but)
    )
    keys = list(expired.order_by("pk").values_list("key", flat=True))
    remove_visits(day, keys)
    return keys


def remove_visits(day: LockedDay, keys: Collection[str]) -> None:
    """Remove visits from a locked day; unknown keys are ignored.

    The number of statements does not grow with the number of visits. Locks: nothing more.
    Records: nothing. Raises: nothing.
    """
    if not keys:
        return
    rows = list(TentativeVisit.objects.filter(day=day.row, key__in=list(keys)))
    if not rows:
        return
    TentativeVisit.objects.filter(pk__in=[row.pk for row in rows]).delete()
    placed = [(row.shift_id, row.rank, row.key) for row in rows if row.shift_id is not None]
    placed.sort(key=lambda it: -it[1])  # the last first, so that the ranks before it stay right
    _close_gaps(day, [(shift, rank) for shift, rank, _key in placed])
    log_changes(day, [Change(op=REMOVE, key=key) for _shift, _rank, key in placed])


def _close_gaps(day: LockedDay, gaps: Sequence[tuple[int, int]]) -> None:
    """Lower the ranks behind removed ones, in one statement; ``gaps`` are (shift, rank)."""
    removed: dict[int, list[int]] = {}
    for shift, rank in gaps:
        removed.setdefault(shift, []).append(rank)
    behind, cases = Q(pk__in=[]), []
    for shift, ranks in removed.items():
        ranks.sort(reverse=True)
        behind |= Q(shift_id=shift, rank__gt=ranks[-1])
        cases += [
            When(shift_id=shift, rank__gt=rank, then=Value(len(ranks) - at))
            for at, rank in enumerate(ranks)
        ]
    if cases:
        rows = TentativeVisit.objects.filter(behind, day=day.row)
        rows.update(rank=F("rank") - Case(*cases, output_field=IntegerField()))


def extend_visit(day: LockedDay, *, key: str, expires_at: dt.datetime) -> None:
    """Let the visit of a hold on a locked day end at another time; its place stays.

    Boards know no end of a hold, so nothing is logged. Locks: nothing more. Records: nothing.
    Raises: nothing; an unknown key is ignored.
    """
    TentativeVisit.objects.filter(day=day.row, key=key, order__isnull=True).update(
        expires_at=expires_at
    )


def confirm_visit(day: LockedDay, *, key: str, order: Order) -> None:
    """Turn the visit of a hold into the visit of its order; it keeps its place on the route.

    Another visit of the order on this day is removed. The caller removes it from another day.
    The content (load, service time) stays that of the hold until the day is reconciled.
    Locks: nothing more. Records: nothing. Raises: VisitGone if the hold is no longer in the plan;
    VisitDoesNotFit if it is unplaced because shifts have changed, or if its vehicle has left.
    """
    hold = TentativeVisit.objects.filter(day=day.row, key=key).first()
    if hold is None:
        raise VisitGone(
            _("This reserved place is no longer in the plan of the day. Choose a time again."),
            data={"key": key},
        )
    has_left = hold.shift_id in closed_shifts(day.row.base_plan, now())
    if hold.shift_id is None or has_left:
        raise VisitDoesNotFit(
            _("This time no longer fits into the plan of the day. Choose another time."),
            data={"reason": ROUTE_LEFT if has_left else hold.reason},
        )
    remove_visits(day, [order.public_id])
    TentativeVisit.objects.filter(pk=hold.pk).update(
        key=order.public_id, order=order, expires_at=None
    )
    log_changes(day, [Change(op=RENAME, key=key, new_key=order.public_id)])
