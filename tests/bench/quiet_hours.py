"""The rules of messages in many zones: no message in the night, and budgets that are exact.

First part: 24 time zones and both clock changes of each. Three nights around the change are walked
minute by minute, with each moment of the catalogue and several quiet hours. A message that may be
sent is never in the quiet hours and never too late, and none is lost that had room. The quiet
hours are calculated a second time here, from the wall clock of each minute alone.

Second part: 100 senders at once want more than a budget allows, for each kind of budget.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from unittest import mock
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from dispatch.orders.models import Order
from lastmile.core.clock import now
from lastmile.core.tenancy import retailer_context
from notifications.catalogue.kinds import Moment
from notifications.catalogue.moments import MOMENTS
from notifications.models import BudgetScope, BudgetUse, Contact, Message
from notifications.policy import MessagePolicy
from notifications.rules import SendFacts, Verdict, ruling_of
from notifications.services import budgets
from tests.bench.database import bench_database
from tests.databases import FIRST
from tests.factories.fleet import make_hub
from tests.factories.orders import make_order
from tests.notifications.wall_clock import MINUTE, ZONES, changes_of, next_free, quiet_minutes

NIGHTS: Final = 3 * 24 * 60  # minutes that are walked around a change
HORIZON: Final = 9 * 24 * 60  # minutes after them in which a message may still be sent
#: Quiet hours as minutes of the day: the default, some that begin or end in the changed hour.
QUIET: Final[tuple[tuple[int, int], ...]] = ((1260, 480), (1320, 150), (30, 90), (105, 165))
SENDERS, CAP, ROUNDS = 100, 1_000, 20
MORE: Final = 1.15  # the senders want this many times the cap


@dataclass(slots=True)
class Figures:
    """The counts of one walk."""

    rulings: int = 0
    sent: int = 0
    put_off: int = 0
    ended: int = 0


@dataclass(frozen=True, slots=True)
class Nights:
    """Three nights around a change of the clocks, with what the wall clock says of each minute."""

    zone: ZoneInfo
    start: dt.datetime
    quiet: tuple[int, int]
    flags: Sequence[bool]
    free: Sequence[int]

    def at(self, index: int) -> dt.datetime:
        """Return the instant of a minute."""
        return self.start + index * MINUTE

    def index_of(self, at: dt.datetime) -> int:
        """Return the minute of an instant, which must be a whole minute."""
        index, rest = divmod(at - self.start, MINUTE)
        assert not rest, f"{at} is not a whole minute"
        return index


def nights_around(name: str, change: dt.datetime, quiet: tuple[int, int]) -> Nights:
    """Return the three nights around a change of the clocks in a zone."""
    zone = ZoneInfo(name)
    start = change - (NIGHTS // 2) * MINUTE
    flags = quiet_minutes(start, NIGHTS + HORIZON, zone, quiet)
    return Nights(zone, start, quiet, flags, next_free(flags))


def walk(nights: Nights, moments: Sequence[Moment], figures: Figures, step: int = 1) -> None:
    """Send each moment in each minute of three nights; raise if a promise is broken."""
    for moment in moments:
        for index in range(0, NIGHTS, step):
            _follow(nights, moment, index, figures)


def _follow(nights: Nights, moment: Moment, index: int, figures: Figures) -> None:
    """Follow one message from its fact to its end."""
    last = index + (moment.timing.not_after_s // 60 or 60)
    at, is_staff = index, moment.group == "staff"
    heeds = moment.timing.quiet and not is_staff
    while True:
        ruling = ruling_of(
            SendFacts(
                now=nights.at(at),
                send_at=nights.at(index),
                not_after=nights.at(last),
                channel="email" if is_staff else "sms",
                group=moment.group,
                priority=moment.priority,
                zone=nights.zone,
                heeds_quiet=moment.timing.quiet,
                is_member=is_staff,
                quiet_from_minute=nights.quiet[0],
                quiet_until_minute=nights.quiet[1],
            )
        )
        figures.rulings += 1
        where = f"{nights.zone.key} {nights.quiet} {moment.key} {nights.at(at)}"
        if ruling.verdict == Verdict.OK:
            assert not (heeds and nights.flags[at]), f"sent in the night: {where}"
            assert at <= last, f"sent too late: {where}"
            figures.sent += 1
            return
        if ruling.verdict == Verdict.SKIP:
            assert heeds, f"ended without a rule: {where}"
            assert nights.free[index] > last, f"lost although it had room: {where}"
            figures.ended += 1
            return
        assert ruling.send_at is not None
        at = nights.index_of(ruling.send_at)
        assert at == nights.free[index], f"put off too long: {where}"
        figures.put_off += 1


def all_nights(zones: Sequence[tuple[str, int]] = ZONES, step: int = 1) -> Figures:
    """Walk the nights of all zones. Each zone must have two changes in its year."""
    figures = Figures()
    for name, year in zones:
        changes = changes_of(name, year)
        assert len(changes) >= 2, f"{name} has {len(changes)} changes in {year}"
        for change in (changes[0], changes[-1]):
            for quiet in QUIET:
                walk(nights_around(name, change, quiet), MOMENTS, figures, step)
    return figures


@dataclass(frozen=True, slots=True)
class Race:
    """A race for a budget: who wants it, and the settings that make only this budget short."""

    scope: str
    settings: MessagePolicy
    order: Order | None
    contact: Contact | None

    def messages(self, count: int) -> list[Message]:
        """Store messages that wait to be sent."""
        at = now()
        rows = [
            Message(
                origin=f"race:{uuid.uuid4().hex}",
                moment="out_for_delivery",
                recipient="shp_race",
                channel="sms",
                contact=self.contact,
                order=self.order,
                priority=2,
                send_at=at,
                not_after=at + dt.timedelta(hours=1),
            )
            for _n in range(count)
        ]
        return Message.objects.bulk_create(rows)


def race(one: Race, *, senders: int = SENDERS, cap: int = CAP, draw: random.Random) -> int:
    """Let senders want more than the cap at once; return what was used. Raises if not exact."""
    counts_segments = one.scope in {BudgetScope.RETAILER, BudgetScope.DIAL}
    sizes = (1, 2, 3) if counts_segments and draw.random() < 0.5 else (1,)
    messages = one.messages(int(cap * MORE))
    shares = [messages[n::senders] for n in range(senders)]
    gate = threading.Barrier(senders)
    accepted: list[int] = []
    refused: list[int] = []

    def send(share: Sequence[Message], seed: int) -> None:
        own = random.Random(seed)
        try:
            with retailer_context(FIRST.schema):
                gate.wait()
                for message in share:
                    size = own.choice(sizes)
                    with transaction.atomic():
                        ruling = budgets.reserve_budget(
                            message=message, order=one.order, contact=one.contact, segments=size
                        )
                    used = size if counts_segments else 1
                    (accepted if ruling is None else refused).append(used)
        finally:
            connection.close()

    with (
        mock.patch.object(budgets, "policy", return_value=one.settings),
        ThreadPoolExecutor(senders) as pool,
    ):
        for sent in [pool.submit(send, share, draw.random()) for share in shares]:  # type: ignore[arg-type]
            sent.result()
        row = BudgetUse.objects.get(scope=one.scope)
        assert row.used == sum(accepted), (one.scope, row.used, sum(accepted))
        assert row.used <= cap < row.used + min(refused), (one.scope, row.used)
        if sizes == (1,):
            assert row.used == len(accepted) == cap, (one.scope, row.used, len(accepted))
        counted = Message.objects.filter(counted_on__isnull=False).first()
        assert counted is not None
        for _twice in range(2):  # the second call gives nothing back
            budgets.give_back_budget(message=Message.objects.get(pk=counted.pk))
        left = BudgetUse.objects.get(scope=one.scope).used
        back = counted.segments_counted if counts_segments else 1
        assert row.used - left == back, (one.scope, row.used, left)
    return row.used


def races_of(*, cap: int = CAP) -> Iterator[Race]:
    """Yield a race for each kind of budget; all other budgets have room."""
    room = 10_000_000
    order = make_order(hub=make_hub(zone="Europe/Lisbon").public_id)
    home = Contact.objects.create(kind="phone", address="+351912345678")
    abroad = Contact.objects.create(kind="phone", address="+18765551234")

    def only(**short: int) -> MessagePolicy:
        wide = dict.fromkeys(
            ("segments_day", "foreign_segments_day", "per_number_day", "per_order"), room
        )
        return MessagePolicy(**(wide | short))

    yield Race(BudgetScope.RETAILER, only(segments_day=cap), None, home)
    yield Race(BudgetScope.DIAL, only(foreign_segments_day=cap), None, abroad)
    yield Race(BudgetScope.NUMBER, only(per_number_day=cap), None, home)
    yield Race(BudgetScope.ORDER, only(per_order=cap), order, None)


def exact_budgets(*, rounds: int = ROUNDS, senders: int = SENDERS, cap: int = CAP) -> int:
    """Race for each kind of budget, ``rounds`` times; return how many races there were."""
    draw, races = random.Random(12), 0
    with retailer_context(FIRST.schema):
        for one in races_of(cap=cap):
            for _round in range(rounds):
                race(one, senders=senders, cap=cap, draw=draw)
                Message.objects.all().delete()
                BudgetUse.objects.all().delete()
                races += 1
    return races


def run() -> str:
    """Run both parts. Raises when a message is sent at night, lost, or above a budget."""
    figures = all_nights()
    with bench_database():
        races = exact_budgets()
    return (
        f"{len(ZONES)} zones x 2 changes x {len(QUIET)} quiet hours x {len(MOMENTS)} moments x "
        f"{NIGHTS:,} minutes: {figures.rulings:,} rulings, {figures.sent:,} sent, 0 in the night, "
        f"0 too late; {figures.put_off:,} put off to the first free minute, {figures.ended:,} "
        f"ended, 0 of them had room; {SENDERS} senders for a budget of {CAP:,}, {races} races in "
        "4 scopes: used = accepted each time, exactly the budget with equal sizes"
    )
