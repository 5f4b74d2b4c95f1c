"""Bad input gets a sentence with cause and remedy, and nothing changes."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.slots.models import Choice, Hold
from lastmile.core.models import Event
from portal.choice.models import DeliverySession, ShownOffer
from tests.factories import make_hub, make_slot, make_zone
from tests.portal.choice.shop import (
    CHOICES,
    HOLDS,
    HOME,
    OPTIONS,
    Shop,
    curbside,
    hub_with_van,
    question,
)

FAR = {"lat": -33.45, "lon": -70.66}


def fingerprint() -> list[Any]:
    tables = (DeliverySession, ShownOffer, Hold, Choice)
    rows = [list(model.objects.order_by("pk").values()) for model in tables]  # type: ignore[attr-defined]
    return [*rows, Event.objects.count()]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"since": "2026-13-45"}, "/since"),
        ({"since": "23.11.2026"}, "/since"),
        ({"until": "tomorrow"}, "/until"),
        ({"until": 20261123}, "/until"),
        ({"since": "1999-01-01"}, "/since"),
        ({"since": "2026-11-23", "until": "2026-11-22"}, "/until"),
        ({"since": "2026-11-01", "until": "2026-11-02"}, "/until"),
        ({"since": "2026-11-23", "until": "2027-11-23"}, "/until"),
        ({"place": {}}, "/place"),
        ({"place": None}, "/place"),
        ({"place": "Rua Augusta 12"}, "/place"),
        ({"place": {"lat": 38.72}}, "/place"),
        ({"place": {"lat": 91, "lon": 0}}, "/place/lat"),
        ({"place": {"lat": True, "lon": 0.5}}, "/place/lat"),
        ({"place": {"lat": 0, "lon": 0}}, "/place"),
        ({"place": {"text": "x" * 2_001}}, "/place/text"),
        ({"place": {"lat": HOME["lon"], "lon": HOME["lat"]}}, "/place"),
        ({"place": FAR}, "/place"),
        ({"place": {"text": "Nowhere Street 1, Atlantis"}}, "/place"),
        ({"parcels": [{"weight_g": -1}]}, "/parcels/0/weight_g"),
        ({"parcels": [{"weight_g": "heavy"}]}, "/parcels/0/weight_g"),
        ({"parcels": [{}] * 1_000}, "/parcels"),
        ({"parcel_count": 0}, "/parcel_count"),
        ({"value_minor": -5}, "/value_minor"),
        ({"value_minor": 10**14}, "/value_minor"),
        ({"value_minor": 1.5}, "/value_minor"),
        ({"value_minor": 100, "currency": "USD"}, "/currency"),
        ({"value_minor": 100, "currency": "euro"}, "/currency"),
        ({"least_age": 200}, "/least_age"),
        ({"direction": "sideways"}, "/direction"),
        ({"hub": "hub_unknown"}, "/hub"),
        ({"window": "morning"}, "/window"),
        ({"place": HOME | {"zip": "1100"}}, "/place/zip"),
        ({"parcels": [{"weight": 5}]}, "/parcels/0/weight"),
        ({"service_s": 0}, "/service_s"),
        ({"language": "xx"}, "/language"),
        ({"language": "fr-FR"}, "/language"),
        ({"language": "en/../"}, "/language"),
        ({"language": "es--"}, "/language"),
        ({"language": 7}, "/language"),
    ],
)
def test_a_wrong_question_is_refused_with_its_field_and_opens_no_session(
    shop: Shop, body: dict[str, Any], pointer: str
) -> None:
    curbside(make_hub(), 10)
    before = fingerprint()
    answer = shop.call("post", OPTIONS, question(**body))
    problem = answer.json()
    assert answer.status_code == 422, answer.content
    faults = {fault["pointer"]: fault["detail"] for fault in problem["errors"]}
    assert pointer in faults, faults
    assert len(faults[pointer]) > 10
    assert fingerprint() == before


@pytest.mark.parametrize("language", ["xx", "fr-FR", "zh_Hant"])
def test_a_language_that_shoppers_do_not_have_is_refused_with_those_that_they_have(
    shop: Shop, language: str
) -> None:
    curbside(make_hub(), 10)
    session = shop.ask(language="es-CL")
    before = fingerprint()
    for answer in (
        shop.call("post", OPTIONS, question(language=language)),
        shop.change(session, language=language),
    ):
        assert answer.status_code == 422
        (fault,) = answer.json()["errors"]
        assert (fault["pointer"], fault["code"]) == ("/language", "unknown")
        assert fault["detail"].endswith("en, es, ar.")
    assert fingerprint() == before
    assert shop.read(session)["language"] == "es-CL"
    assert shop.change(session, language="ar").json()["language"] == "ar"


def test_an_unknown_field_is_named_and_the_right_one_proposed(shop: Shop) -> None:
    curbside(make_hub(), 10)
    answer = shop.call("post", OPTIONS, question(parcel=[], sinse="2026-11-23"))
    faults = {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]}
    assert set(faults) == {"/parcel", "/sinse"}
    assert "parcels" in faults["/parcel"]
    assert "since" in faults["/sinse"]
    assert shop.call("get", f"{OPTIONS}ses_1/?full=1").status_code == 422


def test_an_address_outside_every_zone_says_so(shop: Shop) -> None:
    hub = make_hub()
    make_zone(hub=hub)
    curbside(hub, 10)
    before = fingerprint()
    place = {"lat": HOME["lat"] + 0.4, "lon": HOME["lon"]}
    answer = shop.call("post", OPTIONS, question(place=place, language="en"))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "outside_every_zone")
    assert "do not deliver" in problem["detail"]
    assert "Check" in problem["detail"]
    assert fingerprint() == before


def test_parcels_too_large_for_every_vehicle_are_named(shop: Shop) -> None:
    hub = hub_with_van()
    make_slot(hub=hub)
    before = fingerprint()
    heavy = {"parcels": [{"weight_g": 5_000_000}]}
    answer = shop.call("post", OPTIONS, question(**heavy))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "too_large_for_vehicles")
    assert problem["errors"][0]["pointer"] == "/parcels"
    assert "Split" in problem["detail"]
    assert fingerprint() == before
    session = shop.ask()
    before = fingerprint()
    assert shop.change(session, **heavy).json()["code"] == "too_large_for_vehicles"
    assert fingerprint() == before
    curbside(hub, 15)  # the shopper's own car takes what no van can carry
    assert [offer["option"] for offer in shop.ask(**heavy)["offers"]] == ["curbside"]


def test_wrong_holds_and_choices_change_nothing(shop: Shop) -> None:
    slot, hidden = curbside(make_hub(), 10), curbside(make_hub(lat=39.72, lon=-8.14), 10)
    session = shop.ask()
    before = fingerprint()
    for body, status, pointer in (
        ({}, 422, "/session"),
        ({"session": session["id"]}, 422, "/offer"),
        ({"session": session["id"], "offer": hidden.public_id}, 422, "/offer"),
        ({"session": session["id"], "offer": "slt_\x00"}, 400, ""),
        ({"session": session["id"], "offer": slot.public_id, "handover": "x"}, 422, "/handover"),
        (
            {"session": session["id"], "offer": slot.public_id, "handover": "contactless"},
            422,
            "/handover",
        ),
        ({"session": session["id"], "offer": slot.public_id, "price": 0}, 422, "/price"),
        ({"session": "ses_\x00", "offer": slot.public_id}, 400, ""),
        ({"session": 7, "offer": slot.public_id}, 404, ""),
    ):
        answer = shop.call("post", HOLDS, body)
        assert answer.status_code == status, (body, answer.content)
        if pointer:
            assert pointer in [fault["pointer"] for fault in answer.json()["errors"]], body
    for body, status in (
        ({}, 422),
        ({"hold": "hld_00000000000000000000"}, 404),
        ({"hold": "nonsense"}, 404),
        ({"hold": "hld_1", "price_minor": -1}, 422),
        ([], 422),
    ):
        assert shop.call("post", CHOICES, body).status_code == status, body
    assert fingerprint() == before


def test_a_malformed_body_is_refused(shop: Shop) -> None:
    session = shop.ask() if curbside(make_hub(), 10) else {}
    before = fingerprint()
    for where, method in ((OPTIONS, "post"), (f"{OPTIONS}{session['id']}/", "patch")):
        for body in ("{", '"text"', "[]", "NaN"):
            answer = shop.client.browser.generic(
                method.upper(), where, body, "application/json",
                headers={"origin": shop.origin, "idempotency-key": f"{method}{body}x"[:20]},
            )  # fmt: skip
            assert answer.status_code in {400, 422}, (body, answer.content)
    assert fingerprint() == before
