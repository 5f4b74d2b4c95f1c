"""Boards in memory answer as the rows do after any change, and hold nothing of their own."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections, transaction

from dispatch.fleet.breaks import Break
from dispatch.fleet.models import Hub
from dispatch.fleet.services import change_vehicle
from dispatch.orders.drafts import PlaceDraft
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order
from dispatch.planning.boards import (
    DayCosts,
    NewVisit,
    board,
    cache,
    prepare,
    price_windows,
    tables,
    updating,
)
from dispatch.planning.boards.board import HubBoard, Stamp
from dispatch.planning.boards.cache import CACHE, BoardCache
from dispatch.planning.boards.reading import read_facts
from dispatch.planning.boards.updating import entry_of
from dispatch.planning.errors import VisitDoesNotFit
from dispatch.planning.models import TentativeChange, TentativeDay, TentativeVisit
from dispatch.planning.problem.tentative import build_state, read_arranged
from dispatch.planning.services import (
    confirm_visit,
    drop_expired,
    insert_visit,
    lock_days,
    reconcile_day,
    remove_visits,
)
from dispatch.planning.services.tentative.log import RESET, Change, log_changes
from dispatch.planning.tasks import open_days
from dispatch.solver.model.cost import rounded
from dispatch.solver.placing.draft import Context, Draft
from dispatch.solver.placing.gaps import cheapest
from lastmile.core.clock import now
from lastmile.core.geo import Point
from lastmile.core.models import Job
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.dispatch.conftest import SetClock
from tests.dispatch.planning.test_plans import day_of
from tests.dispatch.roads.town import grid, spot
from tests.drain import drain
from tests.factories.fleet import LAT, LON, make_hub, make_shift, make_vehicle
from tests.factories.orders import DAY, make_order, make_orders

pytestmark = pytest.mark.usefixtures("clock", "retailer", "own_files")
_numbers = itertools.count(1)


def at(hour: float, day: dt.date = DAY) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(hours=hour)


WINDOWS = (*((at(hour), at(hour + 2)) for hour in (8, 10, 12, 14)), (at(8), at(16)))


@pytest.fixture
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Use an empty cache and an empty folder of travel files."""
    monkeypatch.setattr(settings, "DAYS_FOLDER", tmp_path / "days")
    CACHE.clear()
    yield tmp_path / "days"
    CACHE.clear()


def new_visit(**fields: object) -> NewVisit:
    n = next(_numbers)
    values = {
        "key": f"hld_{n:020d}", "point": Point(lat=LAT + n % 40 * 5e-4, lon=LON + n % 7 * 5e-4),
        "service_s": 180, "weight_g": 2_000, "volume_cm3": 8_000, "parcels": 1,
    } | fields  # fmt: skip
    return NewVisit(**values)  # type: ignore[arg-type]


def costs(hub: Hub, visit: NewVisit, **options: object) -> DayCosts:
    return price_windows(hub=hub, visit=visit, days={DAY: WINDOWS}, **options)[DAY]  # type: ignore[arg-type]


def due(hub: Hub, visit: NewVisit, without: frozenset[str] = frozenset()) -> list[object]:
    """Return the costs of each window by a problem that is built from the rows."""
    row = TentativeDay.objects.select_related("hub", "base_plan").get(hub=hub, service_date=DAY)
    arranged, result = read_arranged(row, now()), []
    expired = TentativeVisit.objects.filter(day=row, expires_at__lte=now())
    absent = without | set(expired.values_list("key", flat=True))
    for window in WINDOWS:
        day = replace(
            arranged.day,
            orders=(*arranged.day.orders, visit.as_input(window)),
            points=(*arranged.day.points, visit.point),
        )
        problem = build_state(day, now()).problem
        draft = Draft(
            Context(problem),
            {
                problem.vehicle_index[shift]: [
                    problem.visit_index[key] for key in keys if key not in absent
                ]
                for shift, keys in arranged.sequences.items()
            },
        )
        fit = cheapest(draft, len(problem.visits) - 1)
        result.append(fit and (fit.added_s, fit.added_m, rounded(fit.exact)))
    return result


def is_right(hub: Hub, without: frozenset[str] = frozenset()) -> int:
    """Compare the costs of a visit with those from the rows; return how many windows fit."""
    visit = new_visit()
    answer = costs(hub, visit, without=without)
    assert answer.reason == ""
    best = [c and (c.added_s, c.added_m, c.cost_minor) for c in answer.best]
    assert best == due(hub, visit, without)
    present = entry_of(hub, DAY).board
    assert present is not None
    row = TentativeDay.objects.get(hub=hub, service_date=DAY)
    assert present.stamp.version == row.version
    rows = TentativeVisit.objects.filter(day=row, shift__isnull=False).select_related("shift")
    due_routes: dict[str, list[str]] = {}
    for visit_row in rows.order_by("shift_id", "rank"):
        assert visit_row.shift is not None
        due_routes.setdefault(visit_row.shift.public_id, []).append(visit_row.key)
    assert {shift: list(keys) for shift, keys in present.board.sequences.items()} == due_routes
    return sum(cost is not None for cost in answer.best)


def hold(hub: Hub, visit: NewVisit | None = None, window: int = 0, minutes: int = 15) -> str:
    visit = visit or new_visit()
    prepared = prepare(hub=hub, service_date=DAY, visit=visit)
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        drop_expired(day, now())
        expires_at = now() + dt.timedelta(minutes=minutes)
        insert_visit(day, prepared, window=WINDOWS[window], expires_at=expires_at)
    return visit.key


def ready_day(orders: int = 8, shifts: int = 2) -> Hub:
    hub = day_of(orders=orders, shifts=shifts)
    reconcile_day(hub=hub, service_date=DAY)
    return hub


def changes_since_build(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how often a board is built from the rows."""
    built: list[int] = []
    build = HubBoard.__init__

    def counted(self: HubBoard, *args: object, **options: object) -> None:
        built.append(1)
        build(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(HubBoard, "__init__", counted)
    return built


def test_a_board_answers_as_the_rows_do() -> None:
    assert is_right(ready_day()) == len(WINDOWS)


def test_a_day_with_breaks_and_returns_is_answered_as_the_rows_do() -> None:
    hub = day_of(orders=6, shifts=1)
    vehicle = make_vehicle(hub=hub)
    make_shift(vehicle=vehicle, breaks=[Break(opens_at=at(11), closes_at=at(13), duration_s=1_800)])
    reconcile_day(hub=hub, service_date=DAY)
    hold(hub, new_visit(collects=True))
    assert is_right(hub)


def test_after_any_changes_the_board_answers_as_the_rows_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub, rng = ready_day(), random.Random(11)
    is_right(hub)
    built, held = changes_since_build(monkeypatch), [hold(hub)]
    for step in range(24):
        act = rng.choice(["hold", "hold", "release", "confirm", "reconcile"])
        if act == "hold":
            held.append(hold(hub, window=rng.randrange(len(WINDOWS))))
        elif act == "release" and held:
            with transaction.atomic():
                (day,) = lock_days([(hub, DAY)])
                remove_visits(day, [held.pop(rng.randrange(len(held)))])
        elif act == "confirm" and held:
            order = make_order(hub=hub.public_id)
            with transaction.atomic():
                (day,) = lock_days([(hub, DAY)])
                confirm_visit(day, key=held.pop(), order=order)
        elif act == "reconcile":
            cancel_order(order=Order.objects.filter(state="ready").order_by("pk")[0])
            make_orders(1, hub=hub.public_id)
            reconcile_day(hub=hub, service_date=DAY)
        if step % 2:
            assert is_right(hub)
    assert built == [], "every change is replayed, and no board is built again"


def test_the_changes_of_several_versions_are_replayed_at_once() -> None:
    hub = ready_day()
    is_right(hub)
    first, second = hold(hub), hold(hub)
    CACHE.clear()
    third = hold(hub)
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        remove_visits(day, [second])
        confirm_visit(day, key=first, order=make_order(hub=hub.public_id))
        confirm_visit(day, key=third, order=make_order(hub=hub.public_id))
    assert is_right(hub)


def test_a_second_process_with_its_own_boards_sees_every_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = ready_day()
    other = BoardCache(10**9)
    for _ in range(4):
        hold(hub)
        with monkeypatch.context() as patch:
            patch.setattr(updating, "CACHE", other)
            is_right(hub)
            hold(hub)
            is_right(hub)
        is_right(hub)
    assert len(other) == len(CACHE) == 1


def change_and_fail(hub: Hub, key: str, *windows: int) -> None:
    """Remove a visit and insert others in a transaction that is rolled back."""
    visits = [prepare(hub=hub, service_date=DAY, visit=new_visit()) for _ in windows]
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        remove_visits(day, [key])
        for visit, window in zip(visits, windows, strict=True):
            expires_at = now() + dt.timedelta(hours=1)
            insert_visit(day, visit, window=WINDOWS[window], expires_at=expires_at)
        raise ZeroDivisionError


def test_a_transaction_that_is_rolled_back_leaves_nothing_on_the_board() -> None:
    hub = ready_day()
    key = hold(hub)
    is_right(hub)
    with pytest.raises(ZeroDivisionError):
        change_and_fail(hub, key, 0, 1)
    hold(hub)  # takes a version that the transaction had
    assert is_right(hub)
    with pytest.raises(ZeroDivisionError):
        change_and_fail(hub, key, 0)
    assert is_right(hub)


def test_a_board_is_built_again_after_a_reset_and_when_it_misses_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = ready_day()
    is_right(hub)
    built = changes_since_build(monkeypatch)
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        log_changes(day, [Change(op=RESET)])
    is_right(hub)
    assert built == [1]
    key = hold(hub)
    TentativeChange.objects.filter(day__hub=hub, op="insert", key=key).delete()
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        remove_visits(day, [key])
    is_right(hub)
    assert built == [1, 1]


def test_a_change_of_the_fleet_reaches_the_board() -> None:
    hub = ready_day(shifts=1)
    before = costs(hub, new_visit(point=Point(lat=LAT + 0.02, lon=LON)))
    shift_vehicle = hub.vehicles.get()
    change_vehicle(vehicle=shift_vehicle, cost_per_km_minor=300, version=shift_vehicle.version)
    reconcile_day(hub=hub, service_date=DAY)
    after = costs(hub, new_visit(point=Point(lat=LAT + 0.02, lon=LON)))
    assert before.best[0] is not None
    assert after.best[0] is not None
    assert after.best[0].cost_minor > before.best[0].cost_minor
    assert is_right(hub)


def test_an_expired_hold_no_longer_counts_and_one_that_is_kept_longer_does(
    clock: SetClock,
) -> None:
    hub = ready_day(orders=2, shifts=1)
    key = hold(hub, minutes=15)
    clock(now() + dt.timedelta(minutes=20))
    assert is_right_without_rows(hub, key)
    TentativeVisit.objects.filter(key=key).update(expires_at=now() + dt.timedelta(hours=1))
    visit = new_visit()
    best = [c and (c.added_s, c.added_m, c.cost_minor) for c in costs(hub, visit).best]
    assert best == due(hub, visit)


def is_right_without_rows(hub: Hub, key: str) -> bool:
    """Compare costs while an expired hold still has its row."""
    assert TentativeVisit.objects.filter(key=key).exists()
    visit = new_visit()
    best = [c and (c.added_s, c.added_m, c.cost_minor) for c in costs(hub, visit).best]
    return best == due(hub, visit)


def test_visits_that_count_as_gone_leave_their_place_for_the_answer() -> None:
    hub = ready_day()
    order = Order.objects.filter(state="ready")[0]
    assert is_right(hub, frozenset({order.public_id, "ord_unknown"}))
    assert is_right(hub)


def test_a_hold_takes_the_place_that_was_priced() -> None:
    hub, visit = ready_day(), new_visit()
    priced = costs(hub, visit).best
    prepared = prepare(hub=hub, service_date=DAY, visit=visit)
    with transaction.atomic():
        (day,) = lock_days([(hub, DAY)])
        expires_at = now() + dt.timedelta(minutes=15)
        taken = insert_visit(day, prepared, window=WINDOWS[2], expires_at=expires_at)
    assert taken == priced[2]
    assert is_right(hub)


def test_a_full_day_takes_no_hold_and_nothing_changes() -> None:
    hub = day_of(orders=1, shifts=0)
    make_shift(vehicle=make_vehicle(hub=hub, parcels=2))
    reconcile_day(hub=hub, service_date=DAY)
    hold(hub)
    before = TentativeDay.objects.get(hub=hub).version
    with pytest.raises(VisitDoesNotFit) as refused:
        hold(hub)
    assert refused.value.data == {"reason": "capacity"}
    assert TentativeDay.objects.get(hub=hub).version == before
    assert costs(hub, new_visit()).best == (None,) * len(WINDOWS)


@pytest.mark.parametrize(
    ("fields", "reason", "why"),
    [
        ({}, "", "capacity"),
        ({"weight_g": 5_000_000}, "too_large", "too_large"),
        ({"skills": frozenset({"crane"})}, "", "skills"),
        ({"service_s": 9 * 3600, "weight_g": 0, "volume_cm3": 0, "parcels": 0}, "", "shift"),
        ({"service_s": 6_000, "weight_g": 0, "volume_cm3": 0, "parcels": 0}, "", "time"),
    ],
)
def test_the_rule_that_excludes_a_window_is_named(
    fields: dict[str, object], reason: str, why: str
) -> None:
    hub = day_of(orders=0, shifts=0)
    make_shift(vehicle=make_vehicle(hub=hub, parcels=3))
    make_orders(3, hub=hub.public_id, service_s=8_400)
    reconcile_day(hub=hub, service_date=DAY)
    answer = costs(hub, new_visit(**fields), explain=True)
    assert (answer.reason, set(answer.why)) == (reason, {why})
    quick = costs(hub, new_visit(**fields))
    assert quick.best == answer.best == (None,) * len(WINDOWS)


def test_a_window_that_another_visit_fills_and_one_outside_the_shifts_are_named() -> None:
    hub = day_of(orders=0, shifts=0)
    make_shift(vehicle=make_vehicle(hub=hub))
    reconcile_day(hub=hub, service_date=DAY)
    hold(hub, new_visit(service_s=7_200), window=1)
    windows = (WINDOWS[1], (at(2), at(4)), (at(20), at(22)), WINDOWS[2])
    visit = new_visit(service_s=7_200)
    answer = price_windows(hub=hub, visit=visit, days={DAY: windows}, explain=True)[DAY]
    assert answer.why == ("window", "shift", "shift", "")
    assert [cost is not None for cost in answer.best] == [False, False, False, True]


def test_days_that_are_not_ready_are_left_out_and_prepared_by_a_job(
    own_files: Path,
) -> None:
    hub = day_of(orders=3)
    tomorrow = DAY + dt.timedelta(days=1)
    days = {DAY: WINDOWS, tomorrow: ()}
    first = price_windows(hub=hub, visit=new_visit(), days=days)
    assert {date: costs.reason for date, costs in first.items()} == dict.fromkeys(days, "not_ready")
    assert set(first[DAY].best) == {None}
    assert Job.objects.filter(kind="planning.tentative").count() == 2
    drain()
    second = price_windows(hub=hub, visit=new_visit(), days=days)
    assert {date: costs.reason for date, costs in second.items()} == {DAY: "", tomorrow: "no_shift"}
    assert own_files.exists()


def test_a_day_with_many_places_waits_for_the_job_that_writes_its_file(
    monkeypatch: pytest.MonkeyPatch, own_files: Path
) -> None:
    monkeypatch.setattr(tables, "FEW", 3)
    hub = ready_day(orders=6)
    assert costs(hub, new_visit()).reason == "not_ready"
    drain()
    assert is_right(hub)
    CACHE.clear()
    matrices: list[int] = []
    monkeypatch.setattr(tables, "travel", lambda *_a, **_o: matrices.append(1))
    assert is_right(hub), "a restart reads the file"
    assert matrices == []
    shutil.rmtree(own_files)
    assert is_right(hub), "the board needs the file no more"
    CACHE.clear()
    assert costs(hub, new_visit()).reason == "not_ready"
    monkeypatch.undo()


def test_a_machine_without_workers_computes_its_own_files_after_a_while(
    monkeypatch: pytest.MonkeyPatch, own_files: Path
) -> None:
    monkeypatch.setattr(tables, "FEW", 3)
    hub = ready_day(orders=6)
    assert costs(hub, new_visit()).reason == "not_ready"
    assert costs(hub, new_visit()).reason == "not_ready"
    monkeypatch.setattr(updating, "PATIENCE_S", 0)
    assert is_right(hub)
    assert list(own_files.rglob("*@*"))


def test_roads_are_used_where_there_is_a_network(
    own_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LASTMILE_VAR", str(tmp_path))
    grid(8).build(tmp_path)
    start = spot(1, 1)
    hub = make_hub(lat=start.lat, lon=start.lon, network="town")
    make_shift(vehicle=make_vehicle(hub=hub))
    make_shift(vehicle=make_vehicle(hub=hub, profile="cargo_bike", energy="muscle"))
    for n in range(5):
        place = spot(n, n + 1.5)
        make_order(hub=hub.public_id, place=PlaceDraft(text=f"{n}", lat=place.lat, lon=place.lon))
    reconcile_day(hub=hub, service_date=DAY)
    visit = new_visit(point=spot(3.4, 2))
    answer = costs(hub, visit)
    assert answer.travel_source == "roads"
    assert [c and (c.added_s, c.added_m, c.cost_minor) for c in answer.best] == due(hub, visit)
    far = costs(hub, new_visit(point=spot(300, 300)))
    assert (far.reason, far.travel_source) == ("outside_network", "")
    hold(hub, visit)
    grid(9).build(tmp_path)
    again = new_visit(point=spot(2.5, 5))
    assert [c and (c.added_s, c.added_m, c.cost_minor) for c in costs(hub, again).best] == due(
        hub, again
    )
    versions = {
        path.name.split("@")[2][:6] for path in own_files.rglob("*.van-*") if path.is_file()
    }
    assert versions == {"000001", "000002"}


def test_a_board_that_is_newer_than_the_versions_read_before_is_not_built_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another thread brought it up to date between both readings."""
    hub = ready_day()
    is_right(hub)
    before = read_facts(hub, [DAY])
    hold(hub)
    is_right(hub)
    built = changes_since_build(monkeypatch)
    updating.bring_up_to_date(hub, before, now(), wait=False)
    assert built == []
    assert is_right(hub)


def test_the_places_of_new_visits_are_added_to_the_file(
    monkeypatch: pytest.MonkeyPatch, own_files: Path
) -> None:
    monkeypatch.setattr(board, "SAVE_EVERY", 3)
    hub = ready_day(orders=4)
    for _ in range(4):
        hold(hub)
        is_right(hub)
    CACHE.clear()
    monkeypatch.setattr(tables, "FEW", 1)
    assert is_right(hub), "at most one of the new places is missing"


def test_the_files_of_past_days_are_removed_by_the_scheduled_task(
    own_files: Path, clock: SetClock
) -> None:
    hub = ready_day(orders=2)
    is_right(hub)
    assert list(own_files.rglob("*@*"))
    clock(at(12) + dt.timedelta(days=2))
    open_days()
    assert list(own_files.rglob("*@*"))
    clock(at(12) + dt.timedelta(days=3))
    open_days()
    assert not [path for path in own_files.rglob("*") if path.is_file()]


def test_a_warm_question_takes_one_query(django_assert_num_queries: object) -> None:
    hub = ready_day()
    is_right(hub)
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert costs(hub, new_visit()).reason == ""


def test_while_a_day_is_under_way_no_work_begins_in_the_past(clock: SetClock) -> None:
    hub = ready_day(orders=2)
    is_right(hub)
    clock(at(9))
    assert is_right(hub)
    clock(at(11) + dt.timedelta(minutes=40))
    answer = costs(hub, new_visit())
    assert answer.best[0] is None
    assert answer.best[3] is not None
    assert is_right(hub)


def test_the_cache_forgets_the_least_used_boards_beyond_its_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hubs = [ready_day(orders=2) for _ in range(3)]
    for hub in hubs:
        is_right(hub)
    small = BoardCache(entry_of(hubs[0], DAY).nbytes * 2 + 1_000)
    monkeypatch.setattr(updating, "CACHE", small)
    for hub in hubs:
        is_right(hub)
        assert small.nbytes <= small.most_bytes
    assert len(small) == 2
    is_right(hubs[0])


def test_entries_without_a_board_leave_the_cache_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_EMPTY", 3)
    small = BoardCache(10**9)
    keys = [("db", "t1", hub, DAY) for hub in range(10)]
    with_board = small.entry(keys[0])
    with_board.board = object()  # type: ignore[assignment]
    kept = [small.entry(key) for key in keys[1:]][-3:]
    assert list(small._entries.values()) == [with_board, *kept]
    assert small.entry(keys[7]) is kept[0]
    small.entry(keys[1])
    assert keys[8] not in small._entries, "the least recently used one leaves"
    assert small.entry(keys[7]) is kept[0]


def test_a_hold_goes_before_the_next_window_that_is_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lock of a board is not held while all windows of a day are explained."""
    hub = ready_day()
    costs(hub, new_visit())
    entry = entry_of(hub, DAY)
    turns: list[str] = []
    threads: list[threading.Thread] = []
    explain = HubBoard.why

    def hold_now() -> None:
        with entry.first():
            turns.append("hold")

    def why(self: HubBoard, *args: Any) -> str:
        turns.append("why")
        if not threads:
            threads.append(threading.Thread(target=hold_now))
            threads[0].start()
            while not entry.turn.locked():
                threads[0].join(0.001)
        return explain(self, *args)

    monkeypatch.setattr(HubBoard, "why", why)
    windows = [(at(hour), at(hour + 1)) for hour in (20, 21, 22)]
    answer = price_windows(hub=hub, visit=new_visit(), days={DAY: windows}, explain=True)[DAY]
    threads[0].join()
    assert turns == ["why", "hold", "why", "why"]
    assert answer.why == ("shift",) * 3


def test_a_window_is_asked_for_again_if_the_board_changes_while_others_are_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = ready_day()
    costs(hub, new_visit())
    entry, explain = entry_of(hub, DAY), HubBoard.why
    windows = [(at(20), at(21)), (at(10), at(12))]
    visit, best = new_visit(), HubBoard.costs

    def full(self: HubBoard, it: NewVisit, travel: Any, some: Any) -> list[Any]:
        monkeypatch.setattr(HubBoard, "costs", best)
        return [None] * len(some)

    def why(self: HubBoard, *args: Any) -> str:
        assert entry.board is not None
        entry.board.stamp = Stamp(entry.board.stamp.version + 1, None)
        return explain(self, *args)

    monkeypatch.setattr(HubBoard, "costs", full)
    monkeypatch.setattr(HubBoard, "why", why)
    answer = price_windows(hub=hub, visit=visit, days={DAY: windows}, explain=True)[DAY]
    assert answer.best[0] is None
    assert answer.why[0]
    assert answer.best[1] is not None
    assert answer.why[1] == ""


def test_two_retailers_never_share_a_board(other: RetailerRef) -> None:
    hub = ready_day()
    is_right(hub)
    with retailer_context(other):
        second = ready_day(orders=3)
        assert is_right(second)
        assert len(CACHE) == 2
    assert is_right(hub)


def test_no_connection_is_held_while_routes_are_computed(
    fresh_db: object, monkeypatch: pytest.MonkeyPatch, retailer: object
) -> None:
    hub = ready_day()
    is_right(hub)
    open_while_computing: list[bool] = []
    ask = HubBoard.costs

    def watched(self: HubBoard, *args: object) -> object:
        open_while_computing.append(connection.connection is not None)
        return ask(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(HubBoard, "costs", watched)
    costs(hub, new_visit())
    assert open_while_computing == [False]


def test_threads_that_hold_and_ask_at_the_same_time_agree_with_the_rows(
    fresh_db: object, retailer: RetailerRef
) -> None:
    hub = ready_day()
    faults: list[BaseException] = []

    def work() -> None:
        try:
            with retailer_context(retailer):
                for _ in range(6):
                    costs(hub, new_visit())
                    hold(hub)
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert TentativeVisit.objects.filter(day__hub=hub, order=None).count() == 18
    assert is_right(hub)


def test_others_use_a_board_while_the_next_one_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = day_of(orders=3)
    reconcile_day(hub=hub, service_date=DAY)
    entry, free = entry_of(hub, DAY), []

    def look() -> None:
        free.append(entry.lock.acquire(blocking=False))
        entry.lock.release()

    def build(*args: Any, **kwargs: Any) -> HubBoard:
        other = threading.Thread(target=look)
        other.start()
        other.join()
        return HubBoard(*args, **kwargs)

    monkeypatch.setattr(updating, "HubBoard", build)
    price_windows(hub=hub, visit=new_visit(), days={DAY: WINDOWS})
    assert free == [True]
    assert entry.board is not None
