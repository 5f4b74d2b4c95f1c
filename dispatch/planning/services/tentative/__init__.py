"""The services of tentative plans: lock days, add and remove visits, reconcile, improve."""

from dispatch.planning.boards.requesting import request_reconciling
from dispatch.planning.services.tentative.inserting import insert_visit
from dispatch.planning.services.tentative.locking import LockedDay, lock_days
from dispatch.planning.services.tentative.reconciling import Reconciled, reconcile_day
from dispatch.planning.services.tentative.removing import (
    confirm_visit,
    drop_expired,
    extend_visit,
    remove_visits,
)

__all__ = [
    "LockedDay",
    "Reconciled",
    "confirm_visit",
    "drop_expired",
    "extend_visit",
    "insert_visit",
    "lock_days",
    "reconcile_day",
    "remove_visits",
    "request_reconciling",
]
