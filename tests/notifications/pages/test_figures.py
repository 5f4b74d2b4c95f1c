"""Results, cost and budgets: each figure counts what happened, and no two currencies are added."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.test import Client

from dispatch.orders.drafts import ShopperDraft
from dispatch.orders.models import Order
from lastmile.core import formatting
from lastmile.core.clock import now
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.models import BudgetUse, ProviderReport
from notifications.selectors import figures
from notifications.selectors.accounts import fingerprint
from tenants.permissions import Kind, Principal, Role
from tenants.selectors import today
from tests.factories.fleet import make_hub
from tests.factories.messages import make_account, make_call, make_message
from tests.factories.orders import make_order
from tests.people import add_member, logged_in

ALL = Principal(kind=Kind.MEMBER, public_id="mbr_x", name="x", role=Role.OWNER)


@pytest.fixture
def order(retailer: RetailerRef) -> Order:
    return make_order(hub=make_hub().public_id)


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.DISPATCHER))


def rows() -> Any:
    return figures.in_period(ALL, figures.default_period(today()))


def test_results_count_each_state_once_and_the_share_counts_what_was_asked(order: Order) -> None:
    for state in ("delivered", "read", "sent", "accepted", "waiting", "unclear"):
        make_message(order, state=state)
    make_message(order, state="failed", reason="undelivered")
    make_message(order, state="unknown", reason="silent")
    make_message(order, state="skipped", reason="cap")
    (result,) = figures.results_by(rows(), "channel")
    assert (result.key, result.all) == ("sms", 9)
    counted = (
        result.arrived,
        result.sent,
        result.failed,
        result.unknown,
        result.skipped,
        result.open,
    )
    assert counted == (2, 2, 1, 1, 1, 2)
    assert result.arrived_percent == pytest.approx(100 * 2 / 6)


def test_nothing_asked_has_no_share(order: Order) -> None:
    make_message(order, state="skipped", reason="cap")
    (result,) = figures.results_by(rows(), "moment")
    assert result.arrived_percent is None


def test_countries_come_from_the_number_and_mail_has_none(order: Order) -> None:
    hub = order.hub
    assert hub is not None
    for phone in ("+14165550123", "+12125550123", "+56912345678"):
        shopper = ShopperDraft(name="x", phone=phone)
        make_message(make_order(hub=hub.public_id, shopper=shopper))
    make_message(order, channel="email")
    result = {one.key: one.all for one in figures.results_by_country(rows())}
    assert result == {"CA": 1, "US": 1, "CL": 1}


def test_a_day_is_a_day_of_the_retailer(order: Order) -> None:
    make_message(order, made_at=now() - dt.timedelta(days=3))
    make_message(order)
    days = figures.results_by_day(rows())
    assert [one.all for one in days] == [1, 1]
    assert days[-1].key == today().isoformat()
    make_message(order, made_at=now() - dt.timedelta(days=31))
    assert len(figures.results_by_day(rows())) == 2, "outside of the period"


def test_errors_have_the_code_of_the_report_else_of_the_call(order: Order) -> None:
    reported = make_message(order, state="failed", reason="undelivered", provider_id="SM1")
    ProviderReport.objects.create(
        channel="sms", provider_id="SM1", state="failed", code="30003", message=reported,
        source="callback",
    )  # fmt: skip
    for _n in range(2):
        refused = make_message(order, state="failed", reason="refused")
        make_call(refused, result="refused", code="21211")
    make_message(order, state="skipped", reason="opted_out")
    make_message(order)
    result = [(one.reason, one.code, one.count) for one in figures.reasons_of(rows())]
    assert result == [("refused", "21211", 2), ("opted_out", "", 1), ("undelivered", "30003", 1)]


def test_cost_is_by_currency_and_says_what_has_no_price_yet(order: Order) -> None:
    make_message(order, price_micros=7_500, currency="USD", segments=2)
    make_message(order, price_micros=12_500, currency="USD", segments=None, segments_counted=1)
    make_message(order, price_micros=50_000, currency="EUR", segments=1)
    make_message(order, segments=1)
    make_message(order, state="skipped", reason="cap", price_micros=None)
    result = {one.currency: one for one in figures.cost_by(rows(), "channel")}
    assert (result["USD"].price_micros, result["USD"].segments, result["USD"].messages) == (
        20_000,
        3,
        2,
    )
    assert result["EUR"].price_micros == 50_000
    assert (result[""].unpriced, result[""].messages) == (1, 1), "a skipped message costs nothing"


def test_the_pages_show_the_figures_and_the_files_have_them(desk: Client, order: Order) -> None:
    make_account()
    make_message(order, price_micros=7_500, currency="USD")
    make_message(order, price_micros=50_000, currency="EUR", channel="email")
    refused = make_message(order, state="failed", reason="refused")
    make_call(refused, result="refused", code="21211")
    page = desk.get("/messages/results/").content.decode()
    assert "This number cannot exist. Correct it on the order." in page
    assert "reason=refused&amp;channel=sms&amp;since=" in page
    cost = desk.get("/messages/cost/").content.decode()
    assert formatting.micros(7_500, "USD") in cost
    assert formatting.micros(50_000, "EUR") in cost
    for currency in ("USD", "EUR"):
        assert formatting.micros(57_500, currency) not in cost, "two currencies are not added"
    results = _file(desk, "/messages/results.csv")
    channels = {row["name"]: row for row in results if row["by"] == "channel"}
    assert (channels["SMS"]["arrived"], channels["SMS"]["failed"]) == ("1", "1")
    assert channels["SMS"]["arrived_percent"] == "50.0"
    costs = [row for row in _file(desk, "/messages/cost.csv") if row["by"] == "channel"]
    assert {(row["currency"], row["price"]) for row in costs} == {
        ("USD", "0.007500"),
        ("EUR", "0.050000"),
    }


def _file(desk: Client, where: str) -> list[dict[str, str]]:
    text = b"".join(desk.get(where)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_period_is_at_most_a_year_and_nonsense_is_ignored(desk: Client) -> None:
    for query in ("?since=x&until=y", "?since=1999-01-01", "?since=2100-01-01&until=2026-01-01"):
        assert desk.get(f"/messages/results/{query}").status_code == 200
        assert desk.get(f"/messages/cost/{query}").status_code == 200


def test_a_paused_channel_says_cause_remedy_and_that_nothing_is_lost(
    desk: Client, order: Order
) -> None:
    make_account(state="paused", paused_code="20003", on_at_machine=fingerprint())
    page = desk.get("/messages/results/").content.decode()
    assert "Copy them again from the Twilio console." in page
    assert "Nothing is lost" in page


def test_figures_of_a_member_of_one_hub_and_of_another_retailer(
    retailer: RetailerRef, other: RetailerRef, order: Order
) -> None:
    elsewhere = make_order(hub=make_hub().public_id)
    assert elsewhere.hub is not None
    make_message(elsewhere, price_micros=7_500, currency="USD")
    make_message(order, price_micros=90_000, currency="USD")
    bound = logged_in(retailer, add_member(Role.DISPATCHER, hubs=[elsewhere.hub.public_id]))
    page = bound.get("/messages/cost/").content.decode()
    assert formatting.micros(7_500, "USD") in page
    assert formatting.micros(97_500, "USD") not in page
    with retailer_context(other.schema):
        stranger = logged_in(other, add_member(Role.OWNER))
    assert "USD" not in stranger.get("/messages/cost/").content.decode()


def test_budgets_show_used_limit_and_who_has_nothing_left(desk: Client, order: Order) -> None:
    day = today()
    BudgetUse.objects.create(scope="retailer", subject_hash="a", day=day, used=1_500)
    for n, used in enumerate((6, 2)):
        BudgetUse.objects.create(scope="number", subject_hash=f"n{n}", day=day, used=used)
    BudgetUse.objects.create(
        scope="retailer", subject_hash="a", day=day - dt.timedelta(days=1), used=900
    )
    page = desk.get("/messages/budgets/").content.decode()
    for figure in (1_500, 2_000, 900):
        assert formatting.number(figure) in page
    assert formatting.percent(75) in page
