"""The hub form: the network is chosen, never guessed; map and address search follow it."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from dispatch.fleet.models import Hub
from lastmile.core.events import Event
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.dispatch.console.test_fleet import HUB, at, errors
from tests.dispatch.roads.town import Town, spot
from tests.factories import make_hub
from tests.people import add_member, logged_in

NEW = "/console/fleet/hubs/new/"
FAR = 3_000  # grid steps: three degrees of longitude
HTMX = {"HX-Request": "true"}


def draw(folder: Path, name: str, x: float) -> None:
    """Build the network of a town with one street and two houses; all towns share its name."""
    town = Town()
    town.way(town.node(x, 0), town.node(x + 10, 0), name="Long Street")
    for number, along in ((2, 2.0), (8, 8.0)):
        lines = {"addr:housenumber": str(number), "addr:street": "Long Street"}
        town.node(x + along, -0.2, lines | {"addr:city": f"{name} town"})
    town.build(folder, name)


@pytest.fixture(scope="module")
def two_towns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two-towns")
    draw(folder, "alpha", 0)
    draw(folder, "beta", FAR)
    return folder


@pytest.fixture(scope="module")
def one_town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one-town")
    draw(folder, "beta", FAR)
    return folder


@pytest.fixture
def desk(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.OWNER))


@pytest.fixture
def two(two_towns: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LASTMILE_VAR", str(two_towns))


def chosen(answer: Any) -> str:
    return str(answer.context["form"]["network"].value() or "")


def in_alpha(**fields: str) -> dict[str, str]:
    place = spot(5, 0.1)
    return HUB | {"lat": str(place.lat), "lon": str(place.lon)} | fields


@pytest.mark.usefixtures("two")
def test_no_network_is_preselected_if_several_are_loaded(desk: Client) -> None:
    page = desk.get(NEW)
    assert chosen(page) == ""
    assert "Choose the street network of the hub" in html.unescape(page.content.decode())
    assert errors(desk.post(NEW, in_alpha(network=""))) == {"network"}
    assert Hub.objects.count() == 0


def test_the_only_loaded_network_is_preselected_and_shown(
    desk: Client, one_town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LASTMILE_VAR", str(one_town))
    page = desk.get(NEW)
    assert chosen(page) == "beta"
    assert "/roads/beta/tiles/" in page.content.decode()


@pytest.mark.usefixtures("two")
def test_straight_lines_can_be_chosen_explicitly(desk: Client) -> None:
    assert desk.post(NEW, in_alpha(network="none")).status_code == 302
    hub = Hub.objects.get()
    assert hub.network == ""
    page = desk.get(at("hubs", hub))
    assert chosen(page) == "none"


@pytest.mark.usefixtures("two")
def test_a_hub_outside_its_street_network_is_refused(desk: Client) -> None:
    before = Event.objects.count()
    assert errors(desk.post(NEW, in_alpha(network="beta"))) == {"network"}
    assert (Hub.objects.count(), Event.objects.count()) == (0, before)
    assert desk.post(NEW, in_alpha(network="alpha")).status_code == 302
    hub = Hub.objects.get()
    far = spot(FAR + 5, 0)
    moved = in_alpha(network="alpha", version="1") | {"lat": str(far.lat), "lon": str(far.lon)}
    assert errors(desk.post(at("hubs", hub), moved)) == {"network"}
    hub.refresh_from_db()
    assert hub.version == 1


@pytest.mark.usefixtures("two")
def test_a_hub_whose_network_is_no_longer_loaded_can_be_changed(desk: Client) -> None:
    hub = make_hub(network="gone", lat=spot(5, 0).lat, lon=spot(5, 0).lon)
    assert chosen(desk.get(at("hubs", hub))) == "gone"
    stored = in_alpha(network="gone", name="Renamed", version="1", active="on")
    assert desk.post(at("hubs", hub), stored).status_code == 302
    hub.refresh_from_db()
    assert (hub.name, hub.network) == ("Renamed", "gone")


@pytest.mark.usefixtures("two")
def test_the_map_follows_the_chosen_network_and_nothing_is_saved(desk: Client) -> None:
    typed = HUB | {"what": "look", "network": "beta", "lat": "", "lon": "", "name": "Half typed"}
    part = desk.post(NEW, typed, headers=HTMX).content.decode()
    assert "/roads/beta/tiles/" in part
    assert 'data-center="-5.5' in part
    assert "<html" not in part
    whole = desk.post(NEW, typed).content.decode()  # without scripts
    assert "Half typed" in whole
    assert "/roads/beta/tiles/" in whole
    assert Hub.objects.count() == 0


@pytest.mark.usefixtures("two")
def test_an_address_is_looked_up_on_the_chosen_network(desk: Client) -> None:
    sent = HUB | {"what": "find", "network": "beta", "address": "Long Street 8", "lat": "",
                   "lon": ""}  # fmt: skip
    answer = desk.post(NEW, sent, headers=HTMX)
    assert "Found:" in answer.content.decode()
    form = answer.context["form"]
    assert abs(float(form["lon"].value()) - spot(FAR + 8, 0).lon) < 0.0005
    assert abs(float(form["lat"].value()) - spot(0, -0.2).lat) < 0.0005
    assert Hub.objects.count() == 0


@pytest.mark.usefixtures("two")
def test_choosing_one_of_two_matches_also_chooses_its_network(desk: Client) -> None:
    form = HUB | {"what": "find", "network": "", "address": "Long Street 8", "lat": "", "lon": ""}
    answer = desk.post(NEW, form, headers=HTMX)
    assert "Several addresses match" in answer.content.decode()
    assert answer.context["form"]["lat"].value() == ""
    matches = answer.context["matches"]
    assert {one.network for one in matches} == {"alpha", "beta"}
    beta = next(one for one in matches if one.network == "beta")
    picked = desk.post(NEW, HUB | {"network": "", "pick": beta.value}, headers=HTMX)
    assert chosen(picked) == "beta"
    assert picked.context["form"]["lon"].value() == f"{beta.lon:.6f}"
    assert "hx-swap-oob" in picked.content.decode(), "the list of streets shows the choice"


@pytest.mark.usefixtures("two")
def test_a_place_chooses_its_network_if_only_one_covers_it(desk: Client) -> None:
    assert chosen(desk.post(NEW, in_alpha(what="look", network=""))) == "alpha"
    nowhere = in_alpha(what="look", network="") | {"lat": "0", "lon": "0"}
    assert chosen(desk.post(NEW, nowhere)) == ""


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("pick", ["", "x", "1,2", "9" * 5_000, "1,2,nowhere", "nan,inf,beta"])
def test_a_damaged_choice_changes_nothing(desk: Client, pick: str) -> None:
    answer = desk.post(NEW, HUB | {"network": "", "pick": pick, "address": "\x00"}, headers=HTMX)
    assert answer.status_code in {200, 400, 422}
    assert Hub.objects.count() == 0


def test_a_member_who_cannot_add_a_hub_is_told_whom_to_ask(
    desk: Client, retailer: RetailerRef
) -> None:
    ask = "Ask an owner or a manager to add a hub"
    board, shifts = "/console/", "/console/fleet/shifts/"
    for page in (board, shifts):
        response = desk.get(page).content.decode()
        assert NEW in response
        assert ask not in response
    for member in (
        add_member(Role.READONLY),
        add_member(Role.DISPATCHER, hubs=["hub_" + "2" * 20]),
    ):
        reader = logged_in(retailer, member)
        for page in (board, shifts):
            response = reader.get(page).content.decode()
            assert NEW not in response
            assert ask in response
