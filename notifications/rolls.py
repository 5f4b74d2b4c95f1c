"""Messages in the commands ``ledger`` and ``invariants``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db.models import Count, F, Q

from lastmile.core.clock import now
from notifications.models import CallResult, Message, ProviderCall
from notifications.rules.facts import ANSWERS_A_STOP
from notifications.states import FINAL, MessageState

LATE = dt.timedelta(hours=1)
_MAYBE_TAKEN = (CallResult.ACCEPTED, CallResult.UNCLEAR)


def ledger() -> Mapping[str, Any]:
    """Return the messages by state."""
    counts = Message.objects.values_list("state").annotate(n=Count("id")).order_by("state")
    return {"messages": dict(counts)}


def invariants() -> Mapping[str, int]:
    """Return the violations of each rule of the ledger; all must be 0."""
    final = [state.value for state in FINAL]
    ended = Message.objects.filter(state__in=final)
    twice = (
        ProviderCall.objects.filter(result__in=_MAYBE_TAKEN)
        .values("message")
        .annotate(n=Count("id"))
        .filter(n__gt=2)
    )
    opted_out = Message.objects.exclude(moment=ANSWERS_A_STOP).filter(
        accepted_at__isnull=False,
        contact__channels__channel=F("channel"),
        contact__channels__opted_out_at__lt=F("made_at"),
        accepted_at__gt=F("contact__channels__opted_out_at"),
    )
    return {
        "messages_final_without_cause": ended.filter(reason="", provider_id="").count(),
        "messages_taken_more_than_twice": twice.count(),
        "messages_waiting_too_long": Message.objects.filter(
            Q(state=MessageState.WAITING) & Q(not_after__lt=now() - LATE)
        ).count(),
        "messages_after_opt_out": opted_out.count(),
    }
