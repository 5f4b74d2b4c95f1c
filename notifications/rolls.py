"""Messages in the commands ``ledger`` and ``invariants``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from lastmile.core.clock import now
from notifications.models import (
    BudgetScope,
    BudgetUse,
    CallResult,
    Message,
    ProviderCall,
)
from notifications.rules.facts import ANSWERS_A_STOP
from notifications.services.budgets import PAID
from notifications.services.reports import overdue
from notifications.states import FINAL, MessageState
from tenants.selectors import today

LATE = dt.timedelta(hours=1)
#: Days of budgets that are compared with their messages. Old messages may be deleted.
DAYS_COMPARED = 7
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
        "reports_not_taken": overdue(LATE),
        "budgets_unlike_their_messages": _budgets_unlike_messages(),
    }


def _budgets_unlike_messages() -> int:
    """Return how many daily counts differ from the sum over the messages of their day.

    The segments of the retailer are compared, and the messages of all numbers together. Each
    comparison is one statement, so messages that are sent meanwhile cause no difference.
    """
    since = today() - dt.timedelta(days=DAYS_COMPARED - 1)
    counted = Message.objects.filter(counted_on__gte=since)
    uses = BudgetUse.objects.filter(day__gte=since)
    segments = counted.filter(channel__in=PAID, segments_counted__gt=0)
    numbers = counted.filter(contact__isnull=False)
    unlike = 0
    for scope, rows, amount in (
        (BudgetScope.RETAILER, segments, Sum("segments_counted")),
        (BudgetScope.NUMBER, numbers, Count("id")),
    ):
        of_day = rows.filter(counted_on=OuterRef("day")).order_by().values("counted_on")
        total = Coalesce(Subquery(of_day.annotate(total=amount).values("total")), 0)
        days = uses.filter(scope=scope).order_by().values("day").annotate(in_use=Sum("used"))
        unlike += days.annotate(total=total).exclude(in_use=F("total")).count()
        same_day = BudgetUse.objects.filter(scope=scope, day=OuterRef("counted_on"))
        without = rows.filter(~Exists(same_day)).order_by().values("counted_on").distinct()
        unlike += without.count()
    return unlike
