"""Next steps on the home page about messages: trouble first, then what is not set up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lastmile.core.clock import now
from lastmile.core.navigation import Scope, Step
from notifications.models import AccountState, Message
from notifications.selectors.account_words import advice
from notifications.selectors.accounts import accounts, fingerprint
from notifications.selectors.budgets import used_percent
from notifications.selectors.ledger import channels_on
from notifications.selectors.threads import unanswered_count
from notifications.selectors.words import channel_name
from notifications.states import FINAL, MessageState

WARN_PERCENT = 80
FEWEST_FAILED = 5
PAUSED = AccountState.PAUSED.value
_HANDED_OVER = sorted({*FINAL, MessageState.SENT} - {MessageState.SKIPPED})


def trouble_steps(scope: Scope) -> list[Step]:
    """Return the steps about channels that do not send, and about the budget."""
    return [*_channel_steps(), *_budget_steps()]


def setup_steps(scope: Scope) -> list[Step]:
    """Return the step to set up a channel, if shoppers get no messages at all."""
    if channels_on():
        return []
    text = _("Shoppers get no messages: no channel is set up.")
    label = _("Set up a channel")
    return [
        Step(text=text, label=label, url="messages:accounts", needs="channels.edit", can_wait=True)
    ]


def reply_steps(scope: Scope) -> list[Step]:
    """Return the step to answer the shoppers who wrote and wait."""
    waiting = unanswered_count(scope.hubs)
    if not waiting:
        return []
    text = ngettext(
        "A shopper wrote to you and waits for an answer.",
        "%(n)d shoppers wrote to you and wait for an answer.",
        waiting,
    ) % {"n": waiting}
    label = _("Open the inbox")
    return [Step(text=text, label=label, url="messages:inbox", needs="messages.view")]


def _channel_steps() -> list[Step]:
    """Return a step for each channel that is on and does not send."""
    steps, copied = [], []
    used = {channel: row for channel, row in accounts().items() if row is not None and row.is_on}
    machine = fingerprint() if used else ""
    for channel, account in used.items():
        if account.on_at_machine != machine:
            copied.append(str(channel_name(channel)))
        elif account.state == PAUSED:
            text = _("%(channel)s is paused and sends nothing. %(cause)s") % {
                "channel": channel_name(channel),
                "cause": advice(account.paused_code),
            }
            steps.append(_health_step(text))
    steps += _failing_steps([channel for channel, row in used.items() if row.state != PAUSED])
    if copied:
        text = _("This is a restored copy, so %(channels)s sends nothing until you switch it on.")
        steps.append(_health_step(text % {"channels": ", ".join(copied)}))
    return steps


def _failing_steps(channels: Collection[str]) -> list[Step]:
    """Return a step for each channel on which most messages of a day fail without any pause.

    A provider may accept every message and report later that none arrived: a sender that is not
    registered, for example. No call is refused then, so the channel is not paused.
    """
    ended = Message.objects.filter(
        channel__in=channels, state__in=_HANDED_OVER, made_at__gt=now() - dt.timedelta(hours=24)
    )
    counts = ended.values("channel").annotate(
        all=Count("pk"), failed=Count("pk", filter=Q(state=MessageState.FAILED))
    )
    return [
        _health_step(
            _("%(channel)s: %(failed)d of the last %(all)d messages did not arrive.")
            % {**row, "channel": channel_name(row["channel"])}
        )
        for row in counts.order_by("channel")
        if row["failed"] >= FEWEST_FAILED and 2 * row["failed"] >= row["all"]
    ]


def _health_step(text: str) -> Step:
    label = _("View channels")
    return Step(text=text, label=label, url="messages:deliverability", needs="messages.view")


def _budget_steps() -> list[Step]:
    percent = used_percent()
    if percent < WARN_PERCENT:
        return []
    text = _("%(percent)d %% of today's text messages are used up.") % {"percent": percent}
    label = _("View budgets")
    return [Step(text=text, label=label, url="messages:budgets", needs="messages.view")]
