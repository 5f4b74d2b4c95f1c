"""The demo: the same seed gives the same orders, nothing is added twice, and only on localhost."""

from __future__ import annotations

import datetime as dt
import io
import json
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from dispatch.fleet.demo import FLEETS, MOVING
from dispatch.fleet.models import Hub, Shift, Vehicle
from dispatch.fleet.services import cancel_shift
from dispatch.live import demo as live_demo
from dispatch.orders.demo import drafts_of
from dispatch.orders.demo.cast import SHOPS
from dispatch.orders.models import Order
from dispatch.orders.services import cancel_order
from dispatch.orders.states import OrderState
from dispatch.planning import demo as planning_demo
from dispatch.planning.models import Plan, Stop
from dispatch.planning.services import discard_plan, revise_plan
from dispatch.roads import demo_city
from lastmile import switchboard
from lastmile.core import clock
from lastmile.core import demo as core_demo
from lastmile.core.demo import Demo
from lastmile.core.tenancy import HOUSE, RetailerRef, retailer_context
from lastmile.core.waiting import StillRunning
from notifications.models import ChannelAccount
from notifications.playing import NAME
from notifications.policy import MessagePolicy
from tenants import selectors
from tenants.demo import OPENINGS
from tenants.people.selectors import policy
from tenants.policy import Policy
from tenants.services import Opening, open_retailer
from tests.dispatch.roads import town

DATE = dt.date(2026, 11, 23)


@pytest.fixture
def var(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a temporary data folder without streets."""
    settings.VAR = tmp_path
    monkeypatch.setenv("LASTMILE_VAR", str(tmp_path))
    monkeypatch.setattr(planning_demo, "SOLVE_S", 1)
    return tmp_path


@pytest.fixture
def streets(var: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Build a grid of ten by ten streets, a kilometre apart, at La Serena and Coquimbo."""
    for name, value in {"LAT": -29.99, "LON": -71.34, "STEP": 0.01}.items():
        monkeypatch.setattr(town, name, value)
    town.grid(10).build(var, demo_city.NAME)
    return var


@pytest.fixture
def unplanned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make no plans, for tests that do not need them."""
    planners = ("planning", "live")
    rooms = [path for path in switchboard.SEED_DEMO if path.split(".")[1] not in planners]
    monkeypatch.setattr(switchboard, "SEED_DEMO", rooms)


def seed(*argv: str) -> tuple[dict[str, Any], str]:
    """Run seed_demo; return its JSON result and its lines of progress."""
    out, lines = io.StringIO(), io.StringIO()
    call_command("seed_demo", "--json", *argv, stdout=out, stderr=lines, no_color=True)
    return json.loads(out.getvalue()), lines.getvalue()


def standing(schema: str) -> dict[str, Any]:
    """Return the ledger of a retailer."""
    out = io.StringIO()
    call_command("ledger", "--json", "--schema", schema, stdout=out)
    ledger: dict[str, Any] = json.loads(out.getvalue())
    return ledger


def days_later(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    moved = clock.now() + dt.timedelta(days=days)
    monkeypatch.setattr(core_demo, "now", lambda: moved)


@pytest.mark.parametrize("schema", list(SHOPS))
def test_the_same_seed_gives_the_same_orders_and_another_seed_others(
    streets: Path, schema: str
) -> None:
    shop = SHOPS[schema]
    drafts = drafts_of(shop, DATE, Demo(seed=5))
    assert drafts == drafts_of(shop, DATE, Demo(seed=5))
    assert len({draft.external_id for draft in drafts}) == len(drafts) == shop.orders
    for other in (
        drafts_of(shop, DATE, Demo(seed=6)),
        drafts_of(shop, DATE + dt.timedelta(1), Demo(seed=5)),
    ):
        same = {draft.place for draft in drafts} & {draft.place for draft in other}
        assert len(same) < len(drafts) / 20


def test_every_retailer_of_the_demo_has_a_fleet_and_a_shop() -> None:
    assert set(OPENINGS) == set(FLEETS) == set(SHOPS)


def test_every_order_is_accepted_and_a_few_need_a_pin(
    db: None, streets: Path, unplanned: None
) -> None:
    seed("--orders", "60")
    for schema, odd in (("verdura", 2), ("faro", 1)):
        with retailer_context(schema):
            of_days = Order.objects.exclude(external_id__contains="-C")  # others choose a slot
            of_days = of_days.exclude(external_id__contains="-ANA-")
            states = Counter(of_days.values_list("state", flat=True))
            assert states == {OrderState.READY: 120 - 2 * odd, OrderState.NEEDS_PIN: 2 * odd}
            assert set(Hub.objects.values_list("network", flat=True)) == {demo_city.NAME}
            assert Order.objects.exclude(promise=None).count() > 40
            to_choose = Order.objects.filter(external_id__contains="-C", promise=None)
            assert (to_choose.count(), to_choose.exclude(state=OrderState.PLACED).count()) == (
                12,
                0,
            )
    with retailer_context("verdura"):
        assert Vehicle.objects.count() == 8
        assert Vehicle.objects.values("profile").distinct().count() == 3


def test_ana_has_six_orders_and_every_channel_keeps_its_messages(
    db: None, streets: Path, unplanned: None
) -> None:
    result, _lines = seed("--orders", "20")
    for schema in SHOPS:
        assert result["retailers"][schema]["notifications"] == {
            "channels_on": 4,
            "orders_placed": 6,
        }
        with retailer_context(schema):
            orders = Order.objects.filter(external_id__contains="-ANA-")
            assert {order.shopper.name for order in orders} == {NAME}
            assert orders.exclude(promise=None).count() == 0
            accounts = ChannelAccount.objects.filter(is_on=True, kind="null")
            assert accounts.count() == 4
            rules = policy(MessagePolicy)
            assert rules.quiet_from_minute == rules.quiet_until_minute


def test_running_it_again_adds_nothing_twice(db: None, streets: Path) -> None:
    first, _lines = seed("--schema", "faro", "--orders", "20")
    before, logins = standing("faro"), (streets / "demo-logins.txt").read_text()
    result, _lines = seed("--schema", "faro", "--orders", "20", "--seed", "9")
    lockers = result["retailers"]["faro"].pop("lockers")
    assert lockers["locker_bank"] == first["retailers"]["faro"]["lockers"]["locker_bank"]
    assert standing("faro") == before
    assert (streets / "demo-logins.txt").read_text() == logins
    assert result["retailers"]["faro"] == {
        "dispatch.fleet": {"hubs": 1, "shifts_added": 0},
        "dispatch.orders": {"orders_placed": {}},
        "dispatch.planning": {"planned": 0, "published": []},
        "dispatch.slots": {"slot_templates": 0, "orders_placed": 0},
        "dispatch.live": {},
        "notifications": {"channels_on": 0},
        "portal.choice": {"demo_shop": str(streets / "demo-shop.json")},
    }


def test_two_drivers_are_at_work_at_any_hour_and_keep_their_shifts_at_a_new_start(
    db: None, streets: Path
) -> None:
    arguments = ("--schema", "verdura", "--orders", "10")
    result, lines = seed(*arguments)
    assert result["retailers"]["verdura"]["dispatch.live"] == {
        "demo_drivers": 2,
        "orders_placed": 2 * live_demo.ORDERS,
    }, lines
    file = streets / live_demo.FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = json.loads(file.read_text())
    assert [phone["host"] for phone in before["phones"]] == ["verdura.localhost"] * 2
    with retailer_context("verdura"):
        plan = Plan.objects.get(hub__external_id=MOVING.id)
        assert (plan.status, plan.unserved_count, plan.routes.count()) == ("published", 0, 2)
        for route in plan.routes.select_related("shift"):
            assert route.shift.starts_at <= clock.now() < route.shift.ends_at
        ordinary = Order.objects.exclude(hub__external_id=MOVING.id)
        assert not ordinary.filter(external_id__startswith="VF-R").exists()
    result, _lines = seed(*arguments)
    assert result["retailers"]["verdura"]["dispatch.live"] == {
        "demo_drivers": 2,
        "orders_placed": 0,
    }
    after = json.loads(file.read_text())
    assert {phone["driver"] for phone in after["phones"]} == {
        phone["driver"] for phone in before["phones"]
    }
    with retailer_context("verdura"):
        assert Plan.objects.filter(hub__external_id=MOVING.id).count() == 1


def test_today_is_published_and_tomorrow_is_a_draft_with_true_reasons(
    db: None, streets: Path
) -> None:
    seed("--schema", "faro", "--orders", "20")
    with retailer_context("faro"):
        today, tomorrow = core_demo.demo_days()
        plans = {plan.service_date: plan for plan in Plan.objects.all()}
        assert {date: plan.status for date, plan in plans.items()} == {
            today: "published",
            tomorrow: "draft",
        }
        for plan in plans.values():
            assert (plan.violations_count, plan.travel_source) == (0, "roads")
            assert plan.orders_count >= 15
            assert [row.reason for row in plan.unserved.all()] == ["window_impossible"]
        assert Order.objects.filter(state=OrderState.PLANNED, service_date=today).exists()


def test_on_a_later_day_its_orders_are_added_and_the_draft_of_yesterday_is_published(
    db: None, streets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed("--schema", "faro", "--orders", "12")
    for days, added in ((1, 1), (4, 2)):
        days_later(monkeypatch, days)
        result, _lines = seed("--schema", "faro", "--orders", "12")
        placed = result["retailers"]["faro"]["dispatch.orders"]["orders_placed"]
        assert list(placed.values()) == [12] * added
        with retailer_context("faro"):
            today, tomorrow = core_demo.demo_days()
            assert Plan.objects.filter(service_date=today, status="published").count() == 1
            assert Plan.objects.filter(service_date=tomorrow, status="draft").count() == 1


def test_manual_changes_are_kept(db: None, streets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed("--schema", "faro", "--orders", "12")
    with retailer_context("faro"):
        _today, tomorrow = core_demo.demo_days()
        edited = revise_plan(plan=Plan.objects.get(service_date=tomorrow))
        Plan.objects.filter(pk=edited.pk).update(version=2)  # they moved a stop
        discard_plan(plan=Plan.objects.get(service_date=tomorrow, number=1))
        for shift in Shift.objects.filter(service_date=tomorrow):
            cancel_shift(shift=shift)
    days_later(monkeypatch, 1)
    seed("--schema", "faro", "--orders", "12")
    with retailer_context("faro"):
        stored = Plan.objects.get(pk=edited.pk)
        assert (stored.status, stored.version) == ("draft", 2)
        assert not Plan.objects.filter(service_date=tomorrow, status="published").exists()
        assert Shift.objects.filter(service_date=tomorrow).exclude(state="cancelled").count() == 0


def test_a_draft_whose_orders_changed_stays_a_draft_and_is_reported(
    db: None, streets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed("--schema", "faro", "--orders", "12")
    with retailer_context("faro"):
        _today, tomorrow = core_demo.demo_days()
        cancel_order(order=Stop.objects.filter(plan__service_date=tomorrow)[0].order)
    days_later(monkeypatch, 1)
    _result, lines = seed("--schema", "faro", "--orders", "12")
    assert f"Faro Centro, {tomorrow}: the draft stays a draft." in lines
    with retailer_context("faro"):
        assert Plan.objects.get(service_date=tomorrow).status == "draft"


def test_a_slow_solve_does_not_prevent_the_start(
    db: None, streets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*_args: Any, **_kwargs: Any) -> None:
        raise StillRunning("job_x is running after 1 s. It goes on.")

    monkeypatch.setattr(planning_demo, "wait_for_job", late)
    _result, lines = seed("--schema", "faro", "--orders", "12")
    assert lines.count("It goes on.") == 2
    with retailer_context("faro"):
        of_days = Order.objects.exclude(external_id__contains="-C")
        assert of_days.exclude(external_id__contains="-ANA-").count() == 24


def logins(var: Path) -> dict[str, tuple[str, str]]:
    """Return e-mail -> (host, password) from the file with the demo's passwords."""
    rows = [line.split() for line in (var / "demo-logins.txt").read_text().splitlines()]
    return {
        row[2]: (row[0].split("/")[2].partition(":")[0], row[3]) for row in rows if row[0] != "#"
    }


def may_enter(host: str, email: str, password: str) -> bool:
    answer = Client(headers={"host": host}).post("/login/", {"email": email, "password": password})
    return answer.status_code == 302


def test_the_demo_passwords_work_and_their_file_is_private(
    db: None, streets: Path, unplanned: None
) -> None:
    seed("--orders", "2")
    file = streets / "demo-logins.txt"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    accounts = logins(streets)
    assert Counter(host for host, _password in accounts.values()) == {
        "localhost": 1, "verdura.localhost": 3, "faro.localhost": 3,
    }  # fmt: skip
    assert len({password for _host, password in accounts.values()}) == 7
    for email, (host, password) in accounts.items():
        assert may_enter(host, email, password), email
        assert not may_enter(host, email, password + "x"), email


def test_a_lost_password_file_is_written_again_with_new_passwords(
    db: None, streets: Path, unplanned: None
) -> None:
    seed("--orders", "2")
    old = logins(streets)
    (streets / "demo-logins.txt").unlink()
    seed("--orders", "2")
    for email, (host, password) in logins(streets).items():
        assert may_enter(host, email, password), email
        assert not may_enter(host, email, old[email][1]), email


def test_without_streets_the_demo_uses_straight_lines_and_says_so(
    db: None, var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any, **_kwargs: Any) -> None:
        raise demo_city.DemoCityUnavailable("No package index can be reached.")

    fetch = demo_city.fetch_demo_network
    monkeypatch.setattr(demo_city, "fetch_demo_network", away)
    _result, lines = seed("--schema", "faro", "--orders", "12")
    assert "No package index can be reached. Until then, travel times use straight lines." in lines
    with retailer_context("faro"):
        assert set(Plan.objects.values_list("travel_source", flat=True)) == {"straight_line"}
        assert Hub.objects.get().network == ""
    for name, value in {"LAT": -29.99, "LON": -71.34, "STEP": 0.01}.items():
        monkeypatch.setattr(town, name, value)
    town.grid(10).build(var, demo_city.NAME)
    monkeypatch.setattr(demo_city, "fetch_demo_network", fetch)
    seed("--schema", "faro", "--orders", "12")
    with retailer_context("faro"):
        assert Hub.objects.get().network == demo_city.NAME


def test_the_demo_is_refused_off_localhost(db: None, var: Path, settings: Any) -> None:
    settings.LOCAL, settings.BASE_DOMAIN = False, "shop.example"
    for argv in (["seed_demo"], ["up", "--demo"]):
        with pytest.raises(CommandError, match="localhost only"):
            call_command(*argv)
    assert selectors.demos() == []
    assert not (var / "demo-logins.txt").exists()


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["--schema", "t1"], "no demo retailer t1. Choose from: verdura, faro"),
        (["--orders", "0"], "Give --orders a number from 1 to"),
        (["--orders", "5001"], "Give --orders a number from 1 to"),
    ],
)
def test_a_wrong_option_is_refused_with_the_remedy(
    db: None, streets: Path, argv: list[str], why: str
) -> None:
    with pytest.raises(CommandError, match=why):
        seed(*argv)
    assert selectors.demos() == []


def test_a_real_retailer_of_the_same_name_is_left_alone(house: RetailerRef, streets: Path) -> None:
    with retailer_context(HOUSE):
        open_retailer(Opening("faro", "faro", Policy("Real", "UTC", "EUR")))
    before = standing("faro")
    with pytest.raises(CommandError, match="is not a demo"):
        seed("--schema", "faro")
    assert standing("faro") == before


def test_each_demo_retailer_has_its_language_and_currency(
    db: None, streets: Path, unplanned: None, client: Client
) -> None:
    seed("--orders", "2")
    spoken = {"verdura": "es", "faro": "en"}
    for email, (host, password) in logins(streets).items():
        browser = Client(headers={"host": host, "accept-language": "de, en"})
        browser.post("/login/", {"email": email, "password": password})
        schema = host.partition(".")[0]
        if schema in spoken:
            assert browser.get("/account/")["Content-Language"] == spoken[schema], email
    for schema in spoken:
        with retailer_context(schema) as ref:
            assert ref.currency == "CLP"
            hourly = Vehicle.objects.values_list("cost_per_hour_minor", flat=True)
            assert all(3_000 < cost < 10_000 for cost in hourly), "in pesos"
    front = Client(headers={"host": "localhost"}).get("/").content.decode()
    assert str(streets / "demo-logins.txt") in front
