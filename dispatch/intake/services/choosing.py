"""Gives the orders of a file the promises that their shoppers chose.

A row with the id of a choice makes its promise in the transaction that places the order. An order
whose choice is gone, or differs, is placed without a promise and with a warning: its goods must go
out, and its shopper can choose again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.db import transaction

from dispatch.orders.drafts import OrderDraft, Placed
from dispatch.planning.errors import VisitNotPrepared
from dispatch.slots.services import (
    PreparedVisit,
    lock_days_of_choices,
    prepare_choice,
    use_choice,
)
from lastmile.core.errors import DomainError, FieldProblem

Visits = Mapping[str, PreparedVisit | None]


def prepare_choices(drafts: Sequence[OrderDraft]) -> Visits:
    """Compute the travel times of expired choices, by id. Call it outside a transaction.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    return {draft.choice: prepare_choice(draft.choice) for draft in drafts if draft.choice}


def lock_choices(drafts: Sequence[OrderDraft]) -> None:
    """Lock the days of the choices of a chunk, before its orders are written.

    Locks: the days. Records: nothing. Raises: nothing.
    """
    chosen = [draft for draft in drafts if draft.choice]
    if chosen:
        lock_days_of_choices(
            [draft.choice for draft in chosen],
            [draft.external_id for draft in chosen if draft.external_id],
        )


def use_choices(
    drafts: Sequence[OrderDraft], placed: Sequence[Placed], visits: Visits, *, again: bool
) -> list[Placed]:
    """Promise what the shoppers chose; return the results, with a warning where it failed.

    With ``again``, travel that must be computed again is no failure: VisitNotPrepared is raised.
    Then leave the transaction, call ``prepare_choices`` and repeat it.

    Locks: the orders with a choice and their slots. Records: order.promised, choice.used. Raises:
    VisitNotPrepared.
    """
    return [
        _use(draft, outcome, visits, again=again)
        if draft.choice and outcome.status != "refused"
        else outcome
        for draft, outcome in zip(drafts, placed, strict=True)
    ]


def _use(draft: OrderDraft, outcome: Placed, visits: Visits, *, again: bool) -> Placed:
    assert outcome.order is not None, "only a refused draft has no order"
    try:
        with transaction.atomic():
            use_choice(
                order=outcome.order, choice_id=draft.choice, prepared=visits.get(draft.choice)
            )
    except DomainError as problem:
        if again and isinstance(problem, VisitNotPrepared):
            raise
        warning = FieldProblem("/choice", problem.detail, problem.code)
        return replace(outcome, warnings=(*outcome.warnings, warning))
    return outcome
