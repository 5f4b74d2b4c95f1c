"""The public front page, and the home page with its next steps."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dispatch.orders.drafts import ParcelDraft, PlaceDraft
from dispatch.planning.services import publish_plan
from lastmile.core.navigation import Scope, next_steps
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.models import ChannelAccount
from notifications.selectors.accounts import fingerprint
from portal.home import selectors
from tenants.models import Retailer
from tenants.permissions import Role
from tests.dispatch.planning.test_plans import day_of, plan
from tests.factories import make_hub, make_order, make_orders
from tests.factories.messages import make_account
from tests.factories.orders import DAY
from tests.people import add_member, logged_in

OTHER_DAY = DAY + dt.timedelta(days=1)
TOO_HEAVY = ParcelDraft(weight_g=30_000_000, volume_cm3=8_000)
MORNING = dt.datetime(2026, 11, 23, 6, tzinfo=dt.UTC)


class Everybody:
    """A reader who is allowed to do everything."""

    def may(self, act: str, hub: str | None = None) -> bool:
        """Allow every act."""
        return True


EVERYBODY = Everybody()


@pytest.fixture(autouse=True)
def channel(retailer: RetailerRef) -> None:
    """Switch a channel on, so that no step asks for one."""
    make_account("sms", on_at_machine=fingerprint())


def scope_of(date: dt.date = DAY) -> selectors.HomeScope:
    return selectors.HomeScope(date=date, hubs=None, day=selectors.today(None, date))


def steps(date: dt.date = DAY) -> list[str]:
    return [step.label for step in next_steps(EVERYBODY, scope_of(date))]


def test_an_empty_retailer_shows_the_first_step(retailer: RetailerRef) -> None:
    assert steps() == ["Add a hub"]
    make_hub()
    assert steps() == ["Import orders"]


def test_the_next_step_goes_from_orders_to_shifts_to_a_plan_to_its_publication(
    retailer: RetailerRef,
) -> None:
    hub = day_of(4)
    assert steps() == ["Plan the day"]
    draft = plan(hub)
    assert steps() == ["Review and publish"]
    publish_plan(plan=draft)
    assert steps() == []
    make_order(hub=hub.public_id)
    assert steps() == ["Plan again"]


def test_unserved_orders_are_not_counted_as_new_orders(retailer: RetailerRef) -> None:
    hub = day_of(3)
    make_orders(2, hub=hub.public_id, parcels=(TOO_HEAVY,))
    draft = plan(hub)
    assert draft.unserved_count == 2
    publish_plan(plan=draft)
    texts = [step.text for step in next_steps(EVERYBODY, scope_of())]
    assert texts == [f"{hub.name}: 2 orders are unserved."]
    make_order(hub=hub.public_id)
    texts = [step.text for step in next_steps(EVERYBODY, scope_of())]
    assert texts == [f"{hub.name}: 1 order arrived after the plan was made.",
                    f"{hub.name}: 2 orders are unserved."]  # fmt: skip


def test_a_day_is_done_also_while_no_channel_is_set_up(retailer: RetailerRef) -> None:
    ChannelAccount.objects.update(is_on=False)
    publish_plan(plan=plan(day_of(3)))
    owner = logged_in(retailer, add_member(Role.OWNER))
    with time_machine.travel(MORNING, tick=False):
        page = owner.get("/").content.decode()
    assert "no channel is set up" in page
    assert "Everything is planned and published." in page
    assert "There is nothing left to do" not in page


def test_orders_that_need_a_pin_are_shown_and_the_day_is_not_done(
    retailer: RetailerRef,
) -> None:
    hub = day_of(3)
    publish_plan(plan=plan(hub))
    reader = logged_in(retailer, add_member(Role.READONLY))
    with time_machine.travel(MORNING, tick=False):
        assert "There is nothing left to do" in reader.get("/").content.decode()
        make_orders(2, place=PlaceDraft(text="Nowhere 1, Lisboa"))
        make_order(place=PlaceDraft(text="Nowhere 2, Lisboa"), service_date=OTHER_DAY)
        page = reader.get("/").content.decode()
    assert "2 orders need a pin and are not planned." in page
    assert f"/console/pins/?date={DAY}" in page
    assert "There is nothing left to do" not in page
    day = selectors.today(None, DAY)
    assert (day.needs_pin, day.needs_pin_today, day.in_order) == (3, 2, False)


def test_a_reader_without_steps_is_not_told_that_all_is_published(retailer: RetailerRef) -> None:
    plan(day_of(2))  # a draft, which a read-only member cannot publish
    reader = logged_in(retailer, add_member(Role.READONLY))
    with time_machine.travel(MORNING, tick=False):
        assert "Everything is planned and published" not in reader.get("/").content.decode()


def test_steps_read_the_day_themselves_without_a_home_scope(
    retailer: RetailerRef,
) -> None:
    make_orders(2, hub=make_hub().public_id)
    (step,) = selectors.plan_steps(Scope(date=DAY, hubs=None))
    assert step.label == "Add shifts"
    assert selectors.plan_steps(Scope(date=DAY, hubs=frozenset({"hub_none"}))) == []


def test_orders_without_a_shift_lead_to_the_step_to_add_shifts(retailer: RetailerRef) -> None:
    make_orders(2, hub=make_hub().public_id)
    assert steps() == ["Add shifts"]


def test_the_figures_are_those_of_the_published_plans(retailer: RetailerRef) -> None:
    published = publish_plan(plan=plan(day_of(5)))
    day = selectors.today(None, DAY)
    assert (day.orders, day.planned, day.routes) == (5, 5, published.routes.count())
    assert (day.cost_minor, day.distance_m, day.co2_g) == (
        published.cost_minor, published.distance_m, published.co2_g,
    )  # fmt: skip
    assert day.cost_per_order_minor == round(published.cost_minor / 5)


def test_a_member_of_one_hub_sees_only_that_hub(retailer: RetailerRef) -> None:
    own_hub, other = day_of(2), day_of(3)
    day = selectors.today(frozenset({own_hub.public_id}), DAY)
    assert [row.hub for row in day.hubs] == [own_hub]
    assert day.orders == 2
    assert other not in [row.hub for row in day.hubs]


def test_the_number_of_queries_does_not_grow_with_the_orders(retailer: RetailerRef) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            next_steps(EVERYBODY, scope_of())
        return len(queries)

    day_of(2)
    few = cost()
    day_of(30)
    assert cost() == few <= 16


def test_the_page_shows_the_next_day_with_orders_when_today_has_none(
    retailer: RetailerRef,
) -> None:
    make_orders(1, hub=make_hub().public_id)
    with time_machine.travel(MORNING - dt.timedelta(days=3), tick=False):
        assert selectors.day_to_show(None) == DAY
    with time_machine.travel(MORNING + dt.timedelta(days=3), tick=False):
        assert selectors.day_to_show(None) == dt.date(2026, 11, 26)


def test_a_member_sees_today_and_a_visitor_is_sent_to_sign_in(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    day_of(3)
    with time_machine.travel(MORNING, tick=False):
        member = logged_in(retailer, add_member(Role.DISPATCHER))
        page = member.get("/")
        assert page.status_code == 200
        assert b"0 of 3 orders are planned" in page.content
        assert b"is not planned yet" in page.content
        reader = logged_in(retailer, add_member(Role.READONLY))
        assert b"is not planned yet" not in reader.get("/").content
        with retailer_context(other):
            foreign = logged_in(other, add_member(Role.OWNER))
        assert b"0 of 3" not in foreign.get("/").content
    stranger = Client(headers={"host": retailer.domain}).get("/")
    assert stranger.status_code == 302
    assert stranger["Location"].startswith("/login/")


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_public_page_explains_the_product_and_links_to_the_demo(
    house: RetailerRef, retailer: RetailerRef, language: str
) -> None:
    public = Client(headers={"host": "localhost", "accept-language": language})
    assert retailer.name.encode() not in public.get("/").content
    Retailer.objects.filter(schema_name=retailer.schema).update(is_demo=True)
    page = public.get("/")
    assert page.status_code == 200
    assert b"http://t1.localhost:8000/login/?next=/console/" in page.content


def test_no_retailer_is_listed_except_on_a_laptop(
    house: RetailerRef, retailer: RetailerRef, settings: pytest.FixtureRequest
) -> None:
    Retailer.objects.filter(schema_name=retailer.schema).update(is_demo=True)
    settings.LOCAL = False  # type: ignore[attr-defined]
    page = Client(headers={"host": "localhost"}).get("/")
    assert page.status_code == 200
    assert b"t1.localhost" not in page.content
