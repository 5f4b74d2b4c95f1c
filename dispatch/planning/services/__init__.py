"""The services of planning: request, edit, publish, discard, revise and update a plan."""

from dispatch.planning.services.discarding import discard_plan
from dispatch.planning.services.editing import move_stop, put_in_sequence, take_off, undo
from dispatch.planning.services.erasing import erase_person
from dispatch.planning.services.forgetting import forget_days
from dispatch.planning.services.progress import note_progress
from dispatch.planning.services.publishing import publish_plan
from dispatch.planning.services.redispatching import request_redispatch
from dispatch.planning.services.requesting import LEAST_S, MOST_S, USUAL_S, request_plan
from dispatch.planning.services.revising import revise_plan
from dispatch.planning.services.tentative import (
    LockedDay,
    confirm_visit,
    drop_expired,
    extend_visit,
    insert_visit,
    lock_days,
    reconcile_day,
    remove_visits,
)
from dispatch.planning.services.unplanned import note_unplanned_days

__all__ = [
    "LEAST_S",
    "MOST_S",
    "USUAL_S",
    "LockedDay",
    "confirm_visit",
    "discard_plan",
    "drop_expired",
    "erase_person",
    "extend_visit",
    "forget_days",
    "insert_visit",
    "lock_days",
    "move_stop",
    "note_progress",
    "note_unplanned_days",
    "publish_plan",
    "put_in_sequence",
    "reconcile_day",
    "remove_visits",
    "request_plan",
    "request_redispatch",
    "revise_plan",
    "take_off",
    "undo",
]
