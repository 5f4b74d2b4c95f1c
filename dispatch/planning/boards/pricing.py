"""The cost of one more visit on the days of a hub, for each time window."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from dispatch.fleet.models import Hub
from dispatch.planning.boards.board import HubBoard, Stamp
from dispatch.planning.boards.cache import CACHE, Entry
from dispatch.planning.boards.reading import DayFact, MustBuild, read_changes, read_facts
from dispatch.planning.boards.requesting import request_reconciling
from dispatch.planning.boards.shapes import (
    NO_SHIFT,
    NOT_READY,
    OUTSIDE_NETWORK,
    TOO_LARGE,
    UNPREPARED,
    DayCosts,
    NewVisit,
    Placement,
    Prepared,
    Travel,
    Window,
)
from dispatch.planning.boards.updating import (
    bring_up_to_date,
    entry_of,
    install,
    network_version,
)
from dispatch.planning.models import TentativeChange, TentativeDay
from dispatch.roads.added import travel_to_known
from lastmile.core.clock import now


def price_windows(
    *,
    hub: Hub,
    visit: NewVisit,
    days: Mapping[dt.date, Sequence[Window]],
    without: Collection[str] = (),
    explain: bool = False,
) -> dict[dt.date, DayCosts]:
    """Return what a new visit would add to each day, for each of its windows. Nothing is stored.

    A day that is not ready is left out, and a job prepares it. Call it outside a transaction: no
    connection is held while routes are computed.

    Parameters
    ----------
    without : collection of str
        Keys of visits that count as gone, such as the present visit of an order that is moved.
    explain : bool
        Also return why a window does not fit, which takes longer.
    """
    at = now()
    facts = read_facts(hub, days)
    reasons = {date: facts[date].reason if date in facts else NOT_READY for date in days}
    ready = {date: fact for date, fact in facts.items() if not fact.reason}
    reasons |= bring_up_to_date(hub, ready, at, wait=False)
    boards = _boards(hub, [date for date in days if not reasons[date]])
    question = Question(visit=visit, without=frozenset(without), at=at, explain=explain)
    result = {}
    for date, travel in _travels(visit, boards).items():
        entry, board = boards[date]
        with entry.lock:
            result[date] = _answer(board, question, travel, date, days[date])
            CACHE.note(entry)  # the first question builds more arrays
            seen = Seen(travel=travel, stamp=board.stamp, windows=days[date])
        if explain and not result[date].reason:
            result[date] = _explained(entry, question, seen, result[date])
    for date in [date for date in days if date not in result]:
        reason = reasons[date] or NOT_READY
        result[date] = DayCosts.left_out(date, reason, len(days[date]))
        if reason == NOT_READY:
            request_reconciling(hub=hub, service_date=date)
    return {date: result[date] for date in days}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A visit, the keys of visits that count as gone, and the instant of the question."""

    visit: NewVisit
    without: frozenset[str]
    at: dt.datetime
    explain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The windows of a day whose costs are known, and the state of the board that told them."""

    travel: Travel
    stamp: Stamp
    windows: Sequence[Window]


def _boards(hub: Hub, dates: Collection[dt.date]) -> dict[dt.date, tuple[Entry, HubBoard]]:
    """Return the entries and boards of these days, without those that are gone again."""
    entries = {date: entry_of(hub, date) for date in dates}
    return {
        date: (entry, board)
        for date, entry in entries.items()
        if (board := entry.board) is not None
    }


def _travels(
    visit: NewVisit, boards: Mapping[dt.date, tuple[Entry, HubBoard]]
) -> dict[dt.date, Travel]:
    """Return the travel of a visit for each board; all boards share the passes over the network."""
    known = {date: board.known for date, (_entry, board) in boards.items()}
    lists = [part for parts in known.values() for part in parts]
    added = iter(travel_to_known(visit.point, lists))
    return {date: Travel(parts, [next(added) for _ in parts]) for date, parts in known.items()}


def _answer(
    board: HubBoard,
    question: Question,
    travel: Travel,
    date: dt.date,
    windows: Sequence[Window],
) -> DayCosts:
    """Return the costs on one day; the caller holds the lock of the board."""
    visit = question.visit
    travel = board.travel(visit.point, travel)
    if travel.outside:
        return DayCosts.left_out(date, OUTSIDE_NETWORK, len(windows))
    with board.without(question.without, question.at):
        best = board.costs(visit, travel, windows)
        if windows and not any(best) and board.too_large(visit, travel):
            return DayCosts.left_out(date, TOO_LARGE, len(windows))
    return DayCosts(
        service_date=date,
        reason="",
        best=tuple(best),
        why=("",) * len(best),
        travel_source=travel.source,
    )


def _explained(entry: Entry, question: Question, seen: Seen, costs: DayCosts) -> DayCosts:
    """Return the costs of a day with the reason of each window in which the visit does not fit.

    The lock is released after each window, because a shopper may hold a place meanwhile. If the
    board has changed since, a window is asked for again before its reason is told.
    """
    best, why = list(costs.best), list(costs.why)
    visit = question.visit
    for at, window in enumerate(seen.windows):
        if best[at] is not None:
            continue
        entry.give_way()
        with entry.lock:
            board = entry.board
            if board is None:
                return DayCosts.left_out(costs.service_date, NOT_READY, len(best))
            travel = board.travel(visit.point, seen.travel)
            if travel.outside:
                return DayCosts.left_out(costs.service_date, OUTSIDE_NETWORK, len(best))
            with board.without(question.without, question.at):
                if board.stamp != seen.stamp:
                    (best[at],) = board.costs(visit, travel, [window])
                if best[at] is None:
                    why[at] = board.why(visit, travel, window)
    return replace(costs, best=tuple(best), why=tuple(why))


def prepare(
    *, hub: Hub, service_date: dt.date, visit: NewVisit, without: Collection[str] = ()
) -> Prepared:
    """Return a visit ready to be inserted: the day's board is up to date, the travel computed.

    Call it outside a transaction, just before the transaction that inserts the visit.
    """
    at = now()
    facts = {d: f for d, f in read_facts(hub, [service_date]).items() if not f.reason}
    bring_up_to_date(hub, facts, at, wait=True)
    travel = _travels(visit, _boards(hub, facts)).get(service_date)
    return Prepared(
        hub=hub,
        service_date=service_date,
        visit=visit,
        without=frozenset(without),
        travel=travel,
    )


def best_place(row: TentativeDay, prepared: Prepared, window: Window) -> Placement | str:
    """Return the best place of a prepared visit in a locked day, or why it does not fit.

    The referee has accepted the route. The board is brought up to date with the rows as this
    transaction sees them. No board is built while the day is locked: the answer is then
    UNPREPARED. Expired holds count as long as they have rows.
    """
    at = now()
    newest = TentativeChange.objects.filter(day=row).order_by("-version")
    stamp = Stamp(row.version, newest.values_list("pk", flat=True).first())
    fact = DayFact(pk=row.pk, service_date=row.service_date, stamp=stamp, reason="")
    entry = entry_of(prepared.hub, row.service_date)
    with entry.first():
        try:
            update = read_changes(entry, fact, at, network_version(prepared.hub))
        except MustBuild:
            return NO_SHIFT if entry.closed == stamp else UNPREPARED
        reason = install(entry, update, at, wait=False)
        board = entry.board
        if reason or board is None:
            return UNPREPARED
        travel = board.travel(prepared.visit.point, prepared.travel)
        if travel.outside:
            return OUTSIDE_NETWORK
        with board.board.without(prepared.without):
            place = board.placement(prepared.visit, travel, window)
            return place or board.why(prepared.visit, travel, window)


def prepare_files(*, hub: Hub, service_date: dt.date) -> None:
    """Compute the travel between the places of a day and keep it in the files of this machine.

    A job calls it after it has arranged the day.
    """
    facts = {d: f for d, f in read_facts(hub, [service_date]).items() if not f.reason}
    bring_up_to_date(hub, facts, now(), wait=True)
