"""Tests of options from several providers: one list, one mark, and one place that is held."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dispatch.slots.models import Choice
from lastmile.core.errors import NotFound
from portal.choice import providers
from portal.choice.providers import provider_called, provider_of_hold
from tests.factories import make_slot
from tests.portal.choice import lockers
from tests.portal.choice.lockers import BANK, Lockers
from tests.portal.choice.shop import HOLDS, Shop, hub_with_van, offers_by_id, taken


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch) -> Lockers:
    """Return a provider of lockers that is installed beside the real ones."""
    bank = Lockers()
    both = (provider_called("slots"), bank)
    monkeypatch.setattr(providers, "_scanned", lambda: both)
    return bank


def test_a_file_in_the_folder_adds_a_provider_and_changes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [provider.name for provider in providers.providers()] == ["lockers", "slots"]
    source = Path(lockers.__file__).read_text(encoding="utf-8")
    (tmp_path / "test_lockers.py").write_text(f"{source}\n\nPROVIDER = Lockers()\n")
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    providers._scanned.cache_clear()
    try:
        names = [provider.name for provider in providers.providers()]
        assert names == ["lockers", "slots", "lockers"]
        assert provider_of_hold("rsv_1").hold_prefix == "rsv"
    finally:
        providers._scanned.cache_clear()
        shutil.rmtree(tmp_path)
    with pytest.raises(NotFound):
        provider_of_hold("rsv_1")


def test_offers_of_all_providers_are_ranked_together_and_one_is_green(
    shop: Shop, bank: Lockers
) -> None:
    slot = make_slot(hub=hub_with_van(), base_minor=490)
    session = shop.ask()
    assert [offer["option"] for offer in session["offers"]] == ["locker", "window"]
    greens = [offer["id"] for offer in session["offers"] if offer["green"]]
    assert greens == [BANK]
    assert session["offers"][0]["reason"] == "greenest_and_cheapest"
    assert set(offers_by_id(session)) == {slot.public_id, BANK}


def test_the_mark_moves_only_when_another_option_saves_enough_or_the_option_is_gone(
    shop: Shop, bank: Lockers
) -> None:
    slot = make_slot(hub=hub_with_van())
    session = shop.ask()

    def green() -> str:
        changed = shop.change(session).json()
        (offer,) = [offer for offer in changed["offers"] if offer["green"]]
        return str(offer["id"])

    grams = offers_by_id(session)[slot.public_id]["co2_g"]
    bank.co2_g = grams * 105 // 100  # the window saves only 5 %
    assert green() == BANK
    bank.co2_g = grams * 2
    assert green() == slot.public_id
    bank.co2_g = grams * 95 // 100
    assert green() == slot.public_id, "now the mark stays with the window"
    bank.is_there = False
    assert green() == slot.public_id


def test_s13_switching_between_providers_leaves_one_place_of_the_last_option(
    shop: Shop, bank: Lockers
) -> None:
    slot = make_slot(hub=hub_with_van())
    session = shop.ask()
    first = shop.hold(session, slot.public_id)
    locker = shop.hold(session, BANK)
    assert (locker["option"], locker["handover"], locker["price_minor"]) == (
        "locker", "contactless", 200,
    )  # fmt: skip
    assert (taken(slot), len(bank.holds_of(session["id"]))) == (0, 1)
    assert shop.call("get", f"{HOLDS}{first['id']}/").json()["state"] == "released"
    assert shop.read(session)["hold"]["id"] == locker["id"]
    home = shop.hold(session, slot.public_id)
    assert (taken(slot), bank.holds_of(session["id"])) == (1, [])
    assert shop.confirm(home)["option"] == "window"
    chosen = shop.confirm(shop.hold(session, BANK))
    assert (chosen["option"], chosen["hold"], chosen["place_text"]) == (
        "locker", None, "Locker bank",
    )  # fmt: skip
    assert taken(slot) == 0
    assert Choice.objects.get(state="waiting").public_id == chosen["id"]


def test_alternatives_come_from_every_provider(shop: Shop, bank: Lockers) -> None:
    slot = make_slot(hub=hub_with_van(), capacity_orders=1)
    session = shop.ask()
    shop.hold(shop.ask(), slot.public_id)
    refused = shop.try_hold(session, slot.public_id).json()
    assert (refused["code"], [near["offer"] for near in refused["alternatives"]]) == (
        "slot_full", [BANK],
    )  # fmt: skip
