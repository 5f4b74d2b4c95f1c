"""Menu, statuses, steps and panels: each name resolves, and a reader sees what is permitted."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.http import HttpRequest
from django.template import Context, Template
from django.test import Client, RequestFactory

from lastmile import navigation as real
from lastmile.core import checks, navigation
from lastmile.core.navigation import Item, Panel, Scope, Step
from lastmile.core.statuses import Status, status_of
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.permissions import Role
from tests.factories import make_hub, make_order
from tests.people import add_member, logged_in

ROOT = Path(__file__).resolve().parents[2]


class Reader:
    """A reader with some permissions, optionally at one hub only."""

    def __init__(self, *acts: str, hub: str | None = None) -> None:
        self.acts, self.hub = acts, hub

    def may(self, act: str, hub: str | None = None) -> bool:
        """Return True for a given permission, like ``Principal.may``."""
        return act in self.acts and (hub is None or self.hub is None or hub == self.hub)


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch, settings: Any) -> ModuleType:
    """Return an empty navigation module for the test."""
    module = ModuleType("listed_navigation")
    monkeypatch.setitem(__import__("sys").modules, module.__name__, module)
    settings.NAVIGATION = module.__name__
    return module


def rendered(text: str, reader: Reader | None, **more: Any) -> str:
    request: HttpRequest = RequestFactory().get("/")
    context = Context({"request": request, "principal": reader, **more})
    return Template("{% load look %}" + text).render(context)


def test_every_name_of_navigation_resolves() -> None:
    assert navigation.problems() == []


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("MENU", (Item("nowhere", "home.view", "x", "x"),), "'nowhere'"),
        ("MENU", (Item("home:start", "home.view", "x", "x", also=("gone",)),), "'gone'"),
        # a page that takes an argument
        ("MENU", (Item("people:member", "home.view", "x", "x"),), "'people:member'"),
        ("MENU", (Item("home:start", "home.sell", "x", "x"),), "'home.sell'"),
        ("PANELS", {"order": (Panel("nowhere:at-all", "home.view", "x"),)}, "'nowhere:at-all'"),
        (
            "PANELS",
            {"order": (Panel("home:start", "home.view", "x"),)},
            "'home:start'",
        ),  # takes no argument
        ("PANELS", {"order": (Panel("people:audit-of", "home.sell", "x"),)}, "'home.sell'"),
        ("STEPS", ("portal.home.selectors.no_such",), "no_such"),
        ("STEPS", ("portal.home.selectors.WAITING",), "WAITING"),
        (
            "STATUSES",
            {"a": {"late": Status("late", "x", "Late")}, "b": {"late": Status("ok", "x", "Late")}},
            "'a' and 'b'",
        ),
    ],
)
def test_a_wrong_name_stops_the_start(
    listed: ModuleType, name: str, value: Any, message: str
) -> None:
    setattr(listed, name, value)
    (problem,) = [m.msg for m in checks.every_wired_name_resolves() if message in m.msg]
    assert problem in navigation.problems()


def test_a_namespaced_page_of_either_host_resolves() -> None:
    assert navigation.argument_counts("console:board") == {0}
    assert navigation.argument_counts("people:audit-of") == {1}
    assert navigation.argument_counts("house:retailers") == {0}  # only on the public host
    assert navigation.argument_counts("console:nothing") == set()
    assert navigation.argument_counts("none:board") == set()


def test_core_itself_lists_no_page_and_no_status() -> None:
    core = ROOT / "lastmile" / "core"
    for file in (core / "navigation.py", core / "statuses.py", core / "context.py"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\b(dispatch|portal|tenants|lockers|notifications)\b", text), file
        assert "pgettext" not in text, file


def test_every_place_for_panels_in_a_template_is_listed() -> None:
    places = {
        place
        for file in ROOT.glob("*/**/templates/**/*.html")
        if ".venv" not in file.parts
        for place in re.findall(r'{% panels "([\w-]+)"', file.read_text(encoding="utf-8"))
    }
    assert {"order", "hub", "plan"} <= places
    assert places <= set(real.PANELS)


def test_a_status_of_a_new_module_is_shown_and_its_owner_alone_defines_it(
    listed: ModuleType,
) -> None:
    listed.STATUSES = {"lockers": {"jammed": Status("failed", "lock", "Jammed")}}  # type: ignore[attr-defined]
    assert status_of("jammed").tone == "failed"
    assert status_of("late").word == "Late"  # an unknown code: its name, in grey
    assert status_of("late").tone == "idle"


def sell(scope: Scope) -> list[Step]:
    """Return one next step."""
    return [
        Step(text=f"Sell on {scope.date}", label="Sell", url="home:start", needs="home.view"),
        Step(text="Close", label="Close", url="home:start", needs="fleet.edit"),
    ]


def test_steps_come_from_the_listed_sources_for_permitted_readers(
    listed: ModuleType,
) -> None:
    listed.STEPS = (f"{__name__}.sell", f"{__name__}.sell")  # type: ignore[attr-defined]
    scope = Scope(date=dt.date(2026, 11, 23), hubs=None)
    one = navigation.next_steps(Reader("home.view"), scope)
    assert [step.text for step in one] == ["Sell on 2026-11-23"] * 2
    assert [s.label for s in navigation.next_steps(Reader("fleet.edit"), scope)] == ["Close"] * 2
    assert navigation.next_steps(Reader(), scope) == []


PANELS = {
    "order": (
        Panel("people:audit-of", "audit.view", "Changes <b>"),
        Panel("people:member", "members.view", "People"),
        Panel("gone", "members.view", "Gone"),  # a name that this host does not serve
    )
}


def test_only_panels_that_the_reader_may_see_are_offered(listed: ModuleType) -> None:
    listed.PANELS = PANELS  # type: ignore[attr-defined]
    both = rendered('{% panels "order" "ord_1" %}', Reader("audit.view", "members.view"))
    assert re.findall(r'hx-get="([^"]*)"', both) == ["/audit/of/ord_1/", "/members/ord_1/"]
    assert "Changes &lt;b&gt;" in both
    one = rendered('{% panels "order" "ord_1" %}', Reader("members.view"))
    assert re.findall(r'hx-get="([^"]*)"', one) == ["/members/ord_1/"]
    for nobody in (Reader(), None):
        assert rendered('{% panels "order" "ord_1" %}', nobody).strip() == ""
    assert rendered('{% panels "elsewhere" "ord_1" %}', Reader("members.view")).strip() == ""


def test_a_reader_of_other_hubs_is_not_offered_the_panel(listed: ModuleType) -> None:
    listed.PANELS = PANELS  # type: ignore[attr-defined]
    page = '{% panels "order" "ord_1" hub=hub %}'
    assert rendered(page, Reader("members.view", hub="hub_1"), hub="hub_2").strip() == ""
    assert "/members/" in rendered(page, Reader("members.view", hub="hub_1"), hub="hub_1")


def test_without_javascript_a_panel_is_a_link(listed: ModuleType) -> None:
    listed.PANELS = PANELS  # type: ignore[attr-defined]
    html = rendered('{% panels "order" "ord_1" %}', Reader("members.view"))
    assert re.search(r'<a class="button" href="/members/ord_1/">', html)


def test_the_page_of_an_order_shows_the_listed_panels(
    listed: ModuleType, retailer: RetailerRef, other: RetailerRef
) -> None:
    vars(listed).update(MENU=real.MENU, STATUSES=real.STATUSES, PANELS=PANELS)
    order = make_order(hub=make_hub().public_id)
    path = f"/console/orders/{order.public_id}/"
    owner = logged_in(retailer, add_member(Role.OWNER))
    assert f"/audit/of/{order.public_id}/" in owner.get(path).content.decode()
    reader = logged_in(retailer, add_member(Role.READONLY))
    assert "/audit/of/" not in reader.get(path).content.decode()
    with retailer_context(other):
        stranger = logged_in(other, add_member(Role.OWNER))
    assert stranger.get(path).status_code == 404


def test_the_audit_panel_shows_one_object_of_one_retailer(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    hub, quiet = make_hub(), SimpleNamespace(public_id="hub_nothing")
    owner = logged_in(retailer, add_member(Role.OWNER))
    fragment = {"HX-Request": "true"}
    page = owner.get(f"/audit/of/{hub.public_id}/", headers=fragment)
    assert page.status_code == 200
    assert hub.name.encode() in page.content
    assert b"<html" not in page.content
    assert owner.get(f"/audit/of/{quiet.public_id}/", headers=fragment).status_code == 204
    whole = owner.get(f"/audit/of/{hub.public_id}/")
    assert whole["Location"] == f"/audit/?subject={hub.public_id}"
    picker = logged_in(retailer, add_member(Role.PICKER))
    assert picker.get(f"/audit/of/{hub.public_id}/", headers=fragment).status_code == 403
    with retailer_context(other):
        stranger: Client = logged_in(other, add_member(Role.OWNER))
    assert stranger.get(f"/audit/of/{hub.public_id}/", headers=fragment).status_code == 204
