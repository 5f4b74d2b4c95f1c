"""Pages, API and websockets follow the one permission table."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from django.test import RequestFactory
from django.urls import URLResolver, get_resolver

from lastmile.core.errors import NotAllowed, NotFound
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef
from tenants.credentials import Credential
from tenants.people.models import ApiKey, AuditEntry, Member
from tenants.permissions import (
    TABLE,
    Act,
    KeyRole,
    Kind,
    Principal,
    RetailerAPIView,
    Role,
    may,
    page,
    require,
    visible,
)
from tests.people import add_member, key_client, logged_in

HUB, OTHER_HUB = "hub_00000000000000000001", "hub_00000000000000000002"
# Written out a second time on purpose: who changes the table has to say so here as well.
# o owner, m manager, d dispatcher, p picker, v driver, r readonly | i integration, v driver,
# l locker, c carrier, k checkout.
WRITTEN = """
self.view        o m d p v r | i v l c k
self.edit        o m d p v r |
password.set                 |
driver.view                  |
driver.act                   |
positions.send               | i v
devices.view     o m d p r   | i
devices.edit     o m d       | i
incidents.view   o m d p r   | i
incidents.edit   o m d       | i
lockers.view     o m d p r   | i
lockers.edit     o m d       | i
lockers.reserve  o m d       | i
lockers.codes    o m d       | i
lockers.command  o m d       | i
lockers.report               | i l
lockers.counter  o m d p     |
lockers.accounts o m         |
shopper.view                 |
shopper.change               |
contact.view                 |
contact.change               |
home.view        o m d p v r |
sockets.open     o m d p v r | i v
orders.view      o m d p r   | i
orders.edit      o m d       | i
codes.reveal     o m d       |
orders.import    o m d       | i
fleet.view       o m d p r   | i
fleet.edit       o m d       | i
plans.view       o m d p r   | i
plans.edit       o m d       | i
plans.publish    o m d       | i
slots.view       o m d p r   | i
slots.edit       o m d       | i
offers.view      o m d p r   | i k
offers.choose    o m d       | i k
messages.view    o m d p r   | i
messages.send    o m d       | i
templates.edit   o m         |
channels.edit    o m         |
jobs.view        o m d p r   | i
jobs.cancel      o m d       | i
events.view      o m         | i
members.view     o m         |
members.edit     o m         |
keys.view        o m         |
keys.edit        o m         |
policy.view      o m d p r   |
policy.edit      o m         |
audit.view       o m         |
retailers.view   o m         |
retailers.edit   o           |
"""
MEMBERS = dict(zip("omdpvr", Role, strict=True))
KEYS = dict(zip("ivlck", KeyRole, strict=True))
ALL_HUBS_ONLY = {
    *("events.view", "members.view", "members.edit", "keys.view", "keys.edit"),
    *("policy.edit", "audit.view", "retailers.view", "retailers.edit"),
    *("templates.edit", "channels.edit", "lockers.accounts"),
}


def written() -> dict[str, tuple[set[str], set[str]]]:
    rows = {}
    for line in WRITTEN.strip().splitlines():
        members_part, _bar, keys_part = line.partition("|")
        act, *members = members_part.split()
        rows[act] = ({MEMBERS[m] for m in members}, {KEYS[k] for k in keys_part.split()})
    return rows


def someone(kind: Kind, role: str, **options: Any) -> Principal:
    return Principal(kind=kind, public_id="x", name="x", role=role, **options)


EVERYBODY = [(Kind.MEMBER, role) for role in Role] + [(Kind.KEY, role) for role in KeyRole]


def test_the_table_grants_what_is_written_here_and_nothing_else() -> None:
    assert set(written()) == {act.value for act in Act} == {act.value for act in TABLE}
    for act in Act:
        members, keys = written()[act.value]
        for kind, role in EVERYBODY:
            granted = role in (members if kind == Kind.MEMBER else keys)
            assert may(someone(kind, role, house=True), act) is granted, (act, kind, role)


def test_a_driver_s_key_is_not_a_driver_who_is_a_member() -> None:
    assert may(someone(Kind.MEMBER, Role.DRIVER), Act.HOME_VIEW)
    assert not may(someone(Kind.KEY, KeyRole.DRIVER), Act.HOME_VIEW)


def test_unknown_roles_and_visitors_are_denied_everything() -> None:
    for act in Act:
        assert not may(None, act)
        assert not may(someone(Kind.MEMBER, "emperor", house=True), act)


def test_the_operators_acts_are_for_the_operators_members_only() -> None:
    assert not may(someone(Kind.MEMBER, Role.OWNER), Act.RETAILERS_EDIT)
    assert may(someone(Kind.MEMBER, Role.OWNER, house=True), Act.RETAILERS_EDIT)


@pytest.mark.parametrize("act", list(Act))
def test_every_act_is_limited_to_the_hubs_of_the_principal(act: Act) -> None:
    bound = someone(Kind.MEMBER, Role.MANAGER, hubs=frozenset({HUB}), house=True)
    allowed = "m" in WRITTEN.split(act.value)[1].split("|")[0].split()
    whole = act.value in ALL_HUBS_ONLY
    assert may(bound, act) is (allowed and not whole)
    assert may(bound, act, HUB) is (allowed and not whole)
    assert may(bound, act, OTHER_HUB) is False


def test_another_hub_is_not_found_instead_of_forbidden() -> None:
    bound = someone(Kind.MEMBER, Role.DISPATCHER, hubs=frozenset({HUB}))
    require(bound, Act.ORDERS_EDIT, HUB)
    with pytest.raises(NotFound):
        require(bound, Act.ORDERS_EDIT, OTHER_HUB)
    with pytest.raises(NotAllowed) as refused:
        require(bound, Act.MEMBERS_EDIT)
    assert refused.value.data == {"act": "members.edit"}


def test_visible_returns_the_rows_of_the_principals_hubs_and_none_to_a_visitor(
    retailer: RetailerRef,
) -> None:
    for name in ("a", "b"):
        add_member(Role.READONLY, email=f"{name}@example.org")
    everyone = Member.objects.all()
    rows = visible(
        someone(Kind.MEMBER, Role.READONLY, hubs=frozenset({"a@example.org"})), everyone, "email"
    )
    assert [m.email for m in rows] == ["a@example.org"]
    assert visible(someone(Kind.MEMBER, Role.READONLY), everyone).count() == 2
    assert not visible(None, everyone).exists()


# --- the faces obey ----------------------------------------------------------------------------
def api_views() -> dict[str, tuple[type[RetailerAPIView], str]]:
    """Return address -> (view class, pattern) of everything under /api/v1/."""
    views: dict[str, tuple[type[RetailerAPIView], str]] = {}

    def walk(patterns: list[Any], before: str) -> None:
        for entry in patterns:
            route = before + str(entry.pattern)
            if isinstance(entry, URLResolver):
                walk(entry.url_patterns, route)
            elif issubclass(getattr(entry.callback, "cls", object), RetailerAPIView):
                views[route] = (entry.callback.cls, route)

    walk(get_resolver("lastmile.urls").url_patterns, "/")
    return views


def address(route: str) -> str:
    """Fill the parameters with ids that do not exist."""
    parts = [
        "0" if part.startswith("<int:") else "none_0" if part.startswith("<") else part
        for part in route.split("/")
    ]
    return "/".join(parts)


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Member, ApiKey, AuditEntry, Event))


@pytest.mark.parametrize(("kind", "role"), EVERYBODY)
def test_every_api_address_follows_the_permission_table(
    retailer: RetailerRef, kind: Kind, role: str
) -> None:
    rows = written()
    if kind == Kind.MEMBER:
        browser = logged_in(retailer, add_member(role))
    else:
        browser = key_client(retailer, role).browser
    headers = {"origin": "https://shop.example"} if role == KeyRole.CHECKOUT else {}
    probes = 0
    for route, (view, _pattern) in api_views().items():
        if not route.startswith("/api/v1/"):
            continue
        for method in ("get", "post", "put", "patch", "delete"):
            if not hasattr(view, method):
                continue
            act = view.acts[method]
            members, keys = rows[act.value]
            allowed = role in (members if kind == Kind.MEMBER else keys)
            allowed = allowed and not TABLE[act].house
            before = counts()
            answer = getattr(browser, method)(
                address(route), **({} if method == "get" else {"data": b"[]"}),
                **({} if method == "get" else {"content_type": "application/json"}),
                headers={**headers, "idempotency-key": f"{method}{probes}"},
            )  # fmt: skip
            probes += 1
            where = (method, route, role, answer.status_code, answer.content[:200])
            assert answer.status_code < 500, where
            assert (answer.status_code != 403) is allowed, where
            if not allowed:
                assert answer.json()["code"] == "not_allowed", where
                assert counts() == before, where
    assert probes >= 15


def test_a_visitor_gets_401_everywhere(retailer: RetailerRef, client: Any) -> None:
    before = counts()
    for route, (view, _pattern) in api_views().items():
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(view, method):
                answer = getattr(client, method)(address(route))
                assert answer.status_code == 401, (method, route)
                assert answer.json()["code"] == "not_authenticated"
    assert counts() == before


def test_every_method_of_every_api_view_names_its_act() -> None:
    for route, (view, _pattern) in api_views().items():
        methods = {m for m in ("get", "post", "put", "patch", "delete") if hasattr(view, m)}
        assert methods == set(view.acts), route


def test_a_method_without_an_act_is_denied(retailer: RetailerRef, rf: RequestFactory) -> None:
    class Forgotten(RetailerAPIView):
        acts = {"get": Act.SELF_VIEW}

        def post(self, request: Any) -> Any:
            raise AssertionError("reached")

    request = rf.post("/api/v1/x/", {}, content_type="application/json")
    request.principal = someone(Kind.KEY, KeyRole.INTEGRATION)  # type: ignore[attr-defined]
    request.credential = Credential("key", "x")  # type: ignore[attr-defined]
    assert Forgotten.as_view()(request).status_code == 403


def test_a_page_sends_visitors_to_sign_in_and_refuses_members_without_the_act(
    rf: RequestFactory,
) -> None:
    @page(Act.MEMBERS_VIEW, post=Act.MEMBERS_EDIT)
    def view(request: Any) -> Any:
        return "seen"

    request = rf.get("/members/?page=2")
    request.principal = None  # type: ignore[attr-defined]
    assert view(request)["Location"] == "/login/?next=%2Fmembers%2F%3Fpage%3D2"  # type: ignore[index]
    fragment = rf.get("/members/", headers={"hx-request": "true"})
    fragment.principal = None  # type: ignore[attr-defined]
    assert view(fragment)["HX-Redirect"] == "/login/"  # type: ignore[index]
    request.principal = someone(Kind.MEMBER, Role.PICKER)  # type: ignore[attr-defined]
    with pytest.raises(NotAllowed):
        view(request)
    request.principal = someone(Kind.MEMBER, Role.MANAGER)  # type: ignore[attr-defined]
    assert view(request) == "seen"
    assert inspect.unwrap(view)(request) == "seen"


def test_a_key_opens_no_page(rf: RequestFactory) -> None:
    @page(Act.SELF_VIEW)
    def view(request: Any) -> Any:
        raise AssertionError("reached")

    request = rf.get("/account/")
    request.principal = someone(Kind.KEY, KeyRole.INTEGRATION)  # type: ignore[attr-defined]
    assert view(request).status_code == 302
