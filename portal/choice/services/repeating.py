"""Repeats an act whose day changed after its travel was computed.

Travel is computed outside any transaction, and never while a day is locked. If the day changed
meanwhile, the act raises VisitNotPrepared and writes nothing. Then both parts are done again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from dispatch.planning.errors import VisitNotPrepared
from dispatch.slots.services.visits import TRIES

Ready = TypeVar("Ready")
Result = TypeVar("Result")


def act_prepared(prepare: Callable[[], Ready], act: Callable[[Ready], Result]) -> Result:
    """Prepare, then act in a transaction; do both again while the day changes in between.

    Call it outside any transaction. Locks, Records: as ``act``. Raises: as both; VisitNotPrepared
    if the day changed during each of the tries.
    """
    for _try in range(TRIES - 1):
        ready = prepare()
        with suppress(VisitNotPrepared):
            return act(ready)
    return act(prepare())
