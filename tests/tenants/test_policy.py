"""A retailer's policy is checked and audited; a colour with too little contrast is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client

from lastmile.core.contrast import ENOUGH, brand_contrasts, luminance, ratio, worst
from lastmile.core.errors import Invalid, Stale
from lastmile.core.models import Event
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.models import Retailer
from tenants.people.models import AuditEntry
from tenants.permissions import Role
from tenants.policy import Brand, Policy, check, policy_of
from tenants.services import set_policy
from tests.people import add_member, logged_in

GIVEN = Policy("First & Sons", "Europe/Lisbon", "EUR")


def row(schema: str = "t1") -> Retailer:
    return Retailer.objects.get(schema_name=schema)


def test_a_policy_is_stored_audited_and_recorded_as_an_event(retailer: RetailerRef) -> None:
    policy = replace(GIVEN, zone="America/Lima", units="imperial", brand=Brand(hue=20, corner=2))
    before = row().version
    set_policy(policy)
    assert policy_of(row()) == policy
    assert row().version == before + 1
    event = Event.objects.get(kind="policy.changed")
    assert event.data == {"fields": ["brand", "units", "zone"]}
    entry = AuditEntry.objects.get(act="policy.set")
    assert entry.changes["zone"] == {"before": "Europe/Lisbon", "after": "America/Lima"}
    with retailer_context("t1") as ref:
        assert (ref.zone, ref.brand) == ("America/Lima", Brand(hue=20, corner=2))


def test_the_same_policy_again_changes_nothing(retailer: RetailerRef) -> None:
    before = row().version
    set_policy(policy_of(row()))
    assert row().version == before
    assert not Event.objects.filter(kind="policy.changed").exists()


def test_a_policy_changes_no_other_retailer(retailer: RetailerRef, other: RetailerRef) -> None:
    other_policy = policy_of(row("t2"))
    set_policy(replace(GIVEN, name="Renamed"))
    assert (row().name, policy_of(row("t2"))) == ("Renamed", other_policy)
    with retailer_context(other):
        assert not Event.objects.exists()


def test_a_change_of_an_old_version_is_refused(retailer: RetailerRef) -> None:
    version = row().version
    set_policy(replace(GIVEN, name="Faster"), expected_version=version)
    with pytest.raises(Stale):
        set_policy(replace(GIVEN, name="Slower"), expected_version=version)
    assert row().name == "Faster"


@pytest.mark.parametrize(
    ("brand", "pointer"),
    [
        (Brand(hue=360), "/brand/hue"),
        (Brand(hue=-1), "/brand/hue"),
        (Brand(chroma=0.5), "/brand/chroma"),
        (Brand(corner=2.5), "/brand/corner"),
        (Brand(sender="x" * 61), "/brand/sender"),
        (Brand(sender=" Ana"), "/brand/sender"),
        (Brand(logo="http://x.org/a.png"), "/brand/logo"),
        (Brand(logo="//x.org/a.png"), "/brand/logo"),
        (Brand(logo="javascript:alert(1)"), "/brand/logo"),
        (Brand(logo='https://x.org/"onload="'), "/brand/logo"),
        (Brand(hue=23, chroma=0.3), "/brand/chroma"),
    ],
)
def test_an_invalid_brand_is_refused_and_changes_nothing(
    retailer: RetailerRef, brand: Brand, pointer: str
) -> None:
    before = (row().version, row().brand)
    with pytest.raises(Invalid) as refusal:
        set_policy(replace(GIVEN, brand=brand))
    assert [problem.pointer for problem in refusal.value.errors] == [pointer]
    assert (row().version, row().brand) == before
    assert not Event.objects.filter(kind="policy.changed").exists()


def test_the_refusal_of_a_colour_shows_its_contrast() -> None:
    with pytest.raises(Invalid) as refusal:
        check(replace(GIVEN, brand=Brand(hue=23, chroma=0.3)))
    (problem,) = refusal.value.errors
    assert problem.code == "contrast"
    assert "3.9 to 1" in problem.detail


def test_luminance_and_ratio_are_those_of_the_standard() -> None:
    assert ratio(luminance(1, 0, 0), luminance(0, 0, 0)) == pytest.approx(21, abs=0.01)
    # sRGB red, green and blue in OKLCH have the weights of WCAG's formula.
    assert luminance(0.627955, 0.257683, 29.234) == pytest.approx(0.2126, abs=1e-3)
    assert luminance(0.866440, 0.294827, 142.495) == pytest.approx(0.7152, abs=1e-3)
    assert luminance(0.452014, 0.313214, 264.052) == pytest.approx(0.0722, abs=1e-3)


def test_every_hue_is_readable_with_the_default_vividness() -> None:
    assert all(worst(hue).ratio >= ENOUGH for hue in range(360))
    pairs = {(pair.text, pair.ground, pair.scheme) for pair in brand_contrasts(None)}
    assert len(pairs) == 12


def test_a_page_shows_the_brand_of_its_retailer_only(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    set_policy(replace(GIVEN, brand=Brand(hue=77, chroma=0.1)))
    for ref, worn in ((retailer, True), (other, False)):
        page = Client(headers={"host": ref.domain}).get("/login/").content.decode()
        assert ("--brand-hue: 77;" in page and "--brand-chroma: 0.100;" in page) is worn


def test_the_settings_page_refuses_a_colour_in_words(retailer: RetailerRef) -> None:
    browser = logged_in(retailer, add_member(Role.OWNER), raise_request_exception=True)
    form = {
        "name": "First",
        "zone": "Europe/Lisbon",
        "currency": "EUR",
        "language": "en",
        "units": "metric",
        "hue": "23",
        "chroma": "0.3",
        "corner": "1",
        "logo": "",
    }
    answer = browser.post("/settings/", form)
    assert answer.status_code == 422
    assert "3.9 to 1" in answer.content.decode()
    assert browser.post("/settings/", form | {"chroma": "0.1"}).status_code == 302
    assert row().brand["chroma"] == 0.1
