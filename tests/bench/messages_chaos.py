"""Messages through a provider that breaks in every way: each is sent once, or has its reason.

The fake Twilio answers HTTP on loopback, and the product talks to it through the real client. Calls
time out before and after the message is accepted, are reset, answered 429 and 500. Reports come
twice, out of order or never. The process that sends is killed again and again: half of the time
between the call and the commit of its result. Some shoppers opt out on the way, some orders are
over before their message is sent. At the end the ledger is compared with the book of the fake.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.bench.installation import Installation, wait_until
from tests.bench.messages_stage import Json, tell, told_installation
from tests.fake_twilio import Behaviour, FakeTwilio

MESSAGES = 5_000
PER_S = 40
KILLS = 20  # of the whole worker, by time; the same number strike between call and commit
OPT_OUTS, EXPIRIES, REFUSED = 50, 50, 25
SEED = 12
END_S = 1_800.0
SHARES = {
    "timeout_before": 0.05,
    "timeout_after": 0.05,
    "rate_limit": 0.10,
    "server_error": 0.10,
    "reset_before": 0.01,
    "reset_after": 0.01,
}
FINAL = {"delivered", "read", "failed", "skipped", "unknown"}

_READ = """
rows = Message.objects.filter(moment="out_for_delivery").select_related("order__shopper")
calls = {}
for call in ProviderCall.objects.order_by("number"):
    calls.setdefault(call.message_id, []).append(
        [call.result, call.provider_id, call.started_at.timestamp()])
print(json.dumps({"rows": [
    [row.order.shopper.phone, row.state, row.reason, row.calls, row.provider_id,
     row.not_after.timestamp(), calls.get(row.pk, [])] for row in rows]}))
"""
_OPEN = """
open_ = Message.objects.filter(moment="out_for_delivery").exclude(state__in={final!r})
print(json.dumps({{"open": open_.count(), "all": Message.objects.filter(
    moment="out_for_delivery").count()}}))
"""


class Wrong(AssertionError):
    """A promise of the ledger is broken."""


def run(messages: int = MESSAGES, per_s: int = PER_S, kills: int = KILLS) -> str:
    """Send the messages through the chaos; return the figures. Raises Wrong."""
    behaviour = Behaviour(
        seed=SEED, shares=SHARES, hang_s=12.0, lag_s=2.0, twice=0.3, reordered=0.2, never=0.1,
        report_after_s=0.3,
    )  # fmt: skip
    with (
        FakeTwilio(behaviour) as fake,
        told_installation(fake, LIMIT_MESSAGE_POLL_S="20", LIMIT_MESSAGE_CALL_S="6") as house,
    ):
        began = time.monotonic()
        cast = _cast(fake, messages)
        _place(house, cast, per_s)
        killer = _Killer(house, fake, kills, messages)
        killer.start()
        wait_until(lambda: _open(house, messages) == 0, END_S)
        killer.stop()
        fake.settle()
        rows = tell(house, _READ)["rows"]
        house.command("invariants", "--all")
        took = time.monotonic() - began
        wrong, figures = judge(rows, fake, cast)
    peak = fake.peak_per_s()
    if peak > per_s:
        wrong.append(f"{peak} calls in one second, allowed {per_s}")
    line = (
        f"{messages:,} messages, limit {per_s}/s: {figures}; peak {peak} calls in a second; kills "
        f"{killer.whole} by time and {fake.faults['kill']} between call and commit; faults "
        f"{dict(sorted(fake.faults.items()))}; our answers to its reports "
        f"{dict(sorted(fake.answers.items()))}; {took:.0f} s"
    )
    if wrong:
        raise Wrong(f"{'; '.join(wrong[:10])}. {line}")
    return line


def _cast(fake: FakeTwilio, messages: int) -> Json:
    """Return who opts out, who is refused, and whose order is over before it is told."""
    draw = random.Random(SEED)
    share = messages / MESSAGES
    counts = [max(2, round(n * share)) for n in (OPT_OUTS, EXPIRIES, REFUSED)]
    chosen = draw.sample(range(messages), sum(counts))
    out, over, refused = (sorted(chosen[sum(counts[:k]) : sum(counts[: k + 1])]) for k in range(3))
    for n in refused:
        fake.refuse[_phone(n)] = 21211
    for n in out[: len(out) // 2]:
        fake.refuse[_phone(n)] = 21610
    return {"messages": messages, "out": out, "over": over, "refused": refused}


def _phone(n: int) -> str:
    return f"+3519{20_000_000 + n}"


def _place(house: Installation, cast: Json, per_s: int) -> None:
    """Place the orders while no channel is on, switch it on, and let all go out."""
    half = len(cast["out"]) // 2
    tell(
        house,
        f"""
hub = make_hub()
over = {cast["over"]!r}
rest = sorted(set(range({cast["messages"]})) - set(over))
pks = []
for first in range(0, len(rest), 500):
    pks += place(rest[first:first + 500], hub, 240)
switch_on({per_s})
from notifications.models import Contact
from notifications.services import contact_of
for n in {cast["out"][half:]!r}:
    contact = contact_of("phone", f"+3519{{20_000_000 + n}}")
    opt_out(contact=contact, channel="sms", by="word")
pks += place(over, hub, 0.2)
for first in range(0, len(pks), 100):
    orders.mark_out(orders=pks[first:first + 100])
print(json.dumps({{"out": len(pks)}}))
""",
    )


def _open(house: Installation, messages: int) -> int:
    """Return how many messages have not ended, or are not written yet."""
    time.sleep(3)
    counts = tell(house, _OPEN.format(final=sorted(FINAL)))
    return int(counts["open"] + messages - counts["all"])


class _Killer(threading.Thread):
    """Kills the worker that sends: all of it, and in turn its process at the fault "kill".

    It kills each time that a share of the messages was accepted, so the worker always gets on.
    """

    def __init__(self, house: Installation, fake: FakeTwilio, kills: int, messages: int) -> None:
        super().__init__(daemon=True)
        self.house, self.fake, self.kills = house, fake, kills
        self.every = max(1, messages // (2 * kills + 1))
        self.whole = 0
        self._done = threading.Event()
        fake.victim = self._sending_process

    def run(self) -> None:
        for turn in range(2 * self.kills):
            while len(self.fake.book) < (turn + 1) * self.every:
                if self._done.wait(0.2):
                    return
            if turn % 2:
                self.fake.script("kill")
                continue
            for pid in [*_children(self._parent()), self._parent()]:
                with contextlib.suppress(ProcessLookupError, TypeError):
                    os.kill(pid, signal.SIGKILL)
            self.whole += 1

    def stop(self) -> None:
        """Kill no more."""
        self._done.set()
        self.join()

    def _parent(self) -> int:
        pids = self.house.pids().get("send", [])
        return pids[0] if pids else -1

    def _sending_process(self) -> int | None:
        return next(iter(_children(self._parent())), None)


def _children(parent: int) -> list[int]:
    """Return the processes that a process has started."""
    children = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                children.append(int(status.parent.name))
    return children


def judge(rows: list[Any], fake: FakeTwilio, cast: Json) -> tuple[list[str], str]:
    """Compare the ledger with the book; return what is wrong, and the figures."""
    wrong: list[str] = []
    skipped = {_phone(n) for name in ("out", "over", "refused") for n in cast[name]}
    taken: dict[str, list[Any]] = {}
    for entry in fake.book:
        taken.setdefault(entry.to, []).append(entry)
    twice = 0
    for phone, state, reason, calls, provider_id, not_after, results in rows:
        where = f"{phone} ({state} {reason} {calls})"
        book = taken.pop(phone, [])
        sids = {entry.sid for entry in book}
        known = {sid for _result, sid, _at in results if sid} | ({provider_id} - {""})
        if state not in FINAL:
            wrong.append(f"{where} has not ended")
        if phone not in skipped and not book:
            wrong.append(f"{where} was never accepted")
        if len(book) > 1:
            twice += 1
            if "absent" not in [result for result, _sid, _at in results]:
                wrong.append(f"{where} was sent twice without an unclear call")
        if len(book) > 2:
            wrong.append(f"{where} was accepted {len(book)} times")
        if sids and not sids & known:
            wrong.append(f"{where} is not in the ledger under its id")
        if any(entry.created.timestamp() > not_after + 1.0 for entry in book):
            wrong.append(f"{where} was accepted after its time")
    if taken:
        wrong.append(f"the fake has {len(taken)} numbers that the ledger does not have")
    opted = {_phone(n) for n in cast["out"]}
    if any(entry.to in opted for entry in fake.book):
        wrong.append("a number that opted out was sent to")
    states = Counter(f"{row[1]} {row[2]}".strip() for row in rows)
    most = max((row[3] for row in rows), default=0)
    figures = (
        f"{dict(sorted(states.items()))}, {len(fake.book):,} accepted, {twice} twice after an "
        f"unclear call, at most {most} calls for one"
    )
    return wrong, figures
