"""The ledger and the invariants of delivery sessions."""

from __future__ import annotations

from django.db.models import F

from lastmile.core.clock import now
from portal.choice.models import DeliverySession, ShownOffer
from portal.choice.rolls import invariants, ledger
from tests.factories import make_hub
from tests.portal.choice.shop import Shop, curbside


def broken() -> list[str]:
    return [name for name, ids in invariants().items() if ids]


def test_the_ledger_counts_what_was_shown_held_and_chosen(shop: Shop) -> None:
    hub = make_hub()
    slot = curbside(hub, 10, capacity=10)
    curbside(hub, 12)
    session = shop.ask()
    shop.confirm(shop.hold(session, slot.public_id))
    other = shop.ask()
    shop.change(other)
    assert ledger() == {
        "delivery_sessions": {session["id"]: 1, other["id"]: 2},
        "offers": {"shown": 6, "held": 1, "chosen": 1},
        "locker_holds": {},
    }
    assert broken() == []


def test_each_invariant_names_the_session_that_breaks_it(shop: Shop) -> None:
    hub = make_hub()
    curbside(hub, 10)
    curbside(hub, 12)
    session = shop.ask()
    rows = ShownOffer.objects.all()
    rows.update(green=True)
    assert invariants()["a session marks one offer of a round as green at most"] == [session["id"]]
    rows.update(green=False, rank=F("rank") + 5)
    assert broken() == ["the offers of a round have the ranks 1, 2, 3"]
    rows.update(rank=F("rank") - 5, chosen_at=now())
    assert broken() == ["an offer that was chosen was held"]
    rows.update(chosen_at=None)
    DeliverySession.objects.update(forgotten_at=now())
    assert invariants()["a forgotten session has no address"] == [session["id"]]
