"""No number, text or code is in a log, an event, an error or a job."""

from __future__ import annotations

import json
import logging

import pytest

from dispatch.orders.models import Order
from lastmile.core.models import Delivery, Event, Job
from notifications.channels.base import Outgoing, ProviderStatus, Scope
from notifications.models import ChannelAccount, Message
from notifications.services import preparing, report
from tests.drain import drain
from tests.notifications.ledger.stage import BookChannel, again, hurry, pump, tell_shopper

CODE = "918273"


def _traces(order: Order, provider: BookChannel) -> set[str]:
    """Return what must not be found anywhere: number, code, link and words."""
    texts = {outgoing.text for outgoing in provider.calls}
    links = {word for text in texts for word in text.split() if "/t/" in word}
    return {order.shopper.phone, order.shopper.phone[4:], CODE, *links, *texts}


def _stored() -> str:
    rows = [
        *Event.objects.values("kind", "subject", "actor", "data"),
        *Delivery.objects.values("error"),
        *Job.objects.values("subject", "payload", "result", "detail", "progress_note"),
    ]
    return json.dumps(rows, default=str, ensure_ascii=False)


def test_no_number_text_or_code_leaves_the_ledger(
    fresh_db: str, account: ChannelAccount, order: Order, provider: BookChannel,
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    whole = f"The 'To' number {order.shopper.phone} is not valid: Hello {CODE}"

    def break_with_words(outgoing: Outgoing) -> None:
        if len(provider.calls) == 5:
            raise RuntimeError(f"{outgoing.to} {outgoing.text}")

    provider.before_send = break_with_words
    provider.script.extend(["ok", "21211", "lost", "account", "ok"])
    tell_shopper(order, "step_up_code", secret=CODE, values={"minutes": 10})
    for _time in range(5):
        tell_shopper(order)
        pump()
        hurry()
        drain()
    provider.refused[order.shopper.phone] = ("21610", Scope.OPTED_OUT)
    tell_shopper(order)
    pump()
    drain()
    for message in Message.objects.exclude(provider_id=""):
        status = ProviderStatus(provider_id=message.provider_id, state="failed", code="30005")
        report(channel="sms", status=status)
    drain()

    def break_while_rendering(message: Message, order: Order, **_more: object) -> None:
        raise ValueError(whole)

    monkeypatch.setattr(preparing, "render", break_while_rendering)
    broken = tell_shopper(order)
    pump()
    assert again(broken).state in {"waiting", "skipped"}  # put off, or opted out by now
    drain()
    assert len(provider.calls) >= 5
    seen = _stored() + "\n".join(
        f"{entry.getMessage()} {entry.exc_text}" for entry in caplog.records
    )
    assert Event.objects.filter(kind="message.ended").exists()
    assert {trace for trace in _traces(order, provider) if trace in seen} == set()
