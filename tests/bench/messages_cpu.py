"""Processor time of messages: milliseconds for each, by the part of the installation.

Orders go out at a steady rate, so that their messages are told and sent. The provider reports
nothing then. After that each report of these messages is a callback. Times are those that the
kernel counts for a process and its children, so other work on this machine changes little. The
installation's rest is measured first and taken off.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.bench.installation import Installation, wait_until
from tests.bench.messages_latency import GO_OUT, SETUP
from tests.bench.messages_stage import start, tell, told_installation
from tests.bench.processor import Times, processor_times
from tests.fake_twilio import Behaviour, FakeTwilio

MESSAGES, PER_S = 500, 25
REPORTS, REPORTS_PER_S = ("sent", "delivered"), 50
REST_S = 10.0


def run(messages: int = MESSAGES) -> str:
    """Measure sending and reports; return the figures."""
    with FakeTwilio(Behaviour(reports=())) as fake, told_installation(fake) as house:
        ready = tell(house, SETUP.format(first=0, last=messages + 20, planned=0, per_s=200))
        warm, pks = ready["pks"][:20], ready["pks"][20:]
        _send(house, fake, warm)
        for status in REPORTS:
            fake.report(fake.book, status, per_s=REPORTS_PER_S)
        time.sleep(3)
        rest = _rest(house)
        sent, sent_s = _cost(house, lambda: _send(house, fake, pks))
        reported, reported_s = _cost(house, lambda: _report(house, fake, len(warm)))
    answers = dict(fake.answers)
    return (
        f"{messages} messages at {PER_S}/s: sent {_words(sent, rest, sent_s, messages)}; "
        f"two reports each at {REPORTS_PER_S}/s: {_words(reported, rest, reported_s, messages)}; "
        f"our answers {answers}"
    )


def _send(house: Installation, fake: FakeTwilio, pks: list[int]) -> None:
    """Let orders go out, and wait until the provider has all their messages."""
    before = len(fake.book)
    process = start(house, GO_OUT.format(pks=pks, per_s=PER_S))
    assert process.stdout is not None
    process.stdout.read()
    process.wait(60)
    wait_until(lambda: len(fake.book) == before + len(pks), 120)
    time.sleep(3)  # the pump ends by itself, and the relay


def _report(house: Installation, fake: FakeTwilio, skip: int) -> None:
    """Report each message as sent and as delivered, and wait for the effect."""
    for status in REPORTS:
        fake.report(fake.book[skip:], status, per_s=REPORTS_PER_S)
    time.sleep(3)


def _cost(house: Installation, act: Callable[[], None]) -> tuple[Times, float]:
    before, began = processor_times(house), time.monotonic()
    act()
    after = processor_times(house)
    return {name: after[name] - before[name] for name in after}, time.monotonic() - began


def _rest(house: Installation) -> Times:
    """Return the processor seconds of each part in a second without messages."""
    used, took_s = _cost(house, lambda: time.sleep(REST_S))
    return {name: spent / took_s for name, spent in used.items()}


def _words(used: Times, rest: Times, took_s: float, messages: int) -> str:
    each = {name: (used[name] - rest[name] * took_s) * 1000 / messages for name in used}
    parts = ", ".join(f"{name} {ms:.1f}" for name, ms in each.items() if ms >= 0.05)
    return f"{sum(each.values()):.1f} ms of the processor a message ({parts})"
