"""The acts of planning: ask for a plan, edit, publish, discard, revise, fit to changes."""

from dispatch.planning.services.editing import move_stop, put_in_sequence, take_off, undo
from dispatch.planning.services.publishing import (
    LEAST_S,
    MOST_S,
    USUAL_S,
    discard_plan,
    publish_plan,
    request_plan,
    revise_plan,
)
from dispatch.planning.services.redispatching import request_redispatch

__all__ = [
    "LEAST_S",
    "MOST_S",
    "USUAL_S",
    "discard_plan",
    "move_stop",
    "publish_plan",
    "put_in_sequence",
    "request_plan",
    "request_redispatch",
    "revise_plan",
    "take_off",
    "undo",
]
