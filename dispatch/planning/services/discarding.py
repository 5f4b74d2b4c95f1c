"""Discards a draft."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.planning import events
from dispatch.planning.models import Plan
from dispatch.planning.services.locking import lock_plan
from dispatch.planning.services.recording import plan_facts
from dispatch.planning.states import DISCARDED, check_move
from lastmile.core.events import Lane, record


def discard_plan(*, plan: Plan, version: int | None = None) -> Plan:
    """Discard a draft.

    Locks: the plan. Records: plan.discarded. Raises: PlanNotDraft, PlanMoved.
    """
    with transaction.atomic():
        draft = lock_plan(plan, version)
        check_move(
            draft.status,
            DISCARDED,
            _("Only a draft can be discarded. To replace a published plan, publish a new draft."),
        )
        draft.status = DISCARDED
        draft.version += 1
        draft.save(update_fields=["status", "version"])
        record(events.DISCARDED, plan_facts(draft), subject=draft.public_id, lane=Lane.PERSON)
    return draft
