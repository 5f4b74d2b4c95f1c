"""Acts over the whole house: the ledger of one retailer, the invariants of all."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from lastmile.core import wiring
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.factories import make_hub, make_order


def run(*argv: str) -> dict[str, Any]:
    """Run a command with --json and return what it printed."""
    out = io.StringIO()
    call_command(*argv, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_the_ledger_holds_one_retailers_things_alone(fresh_db: str, other: RetailerRef) -> None:
    made = {}
    for schema in ("t1", "t2"):
        with retailer_context(schema):
            make_hub()
            made[schema] = make_order().public_id
    for schema in ("t1", "t2"):
        found = run("ledger", "--schema", schema)
        assert found["schema"] == schema
        assert found["rooms"]["dispatch.orders"]["orders"] == {made[schema]: "ready"}
        assert len(found["rooms"]["dispatch.fleet"]["hubs"]) == 1


def test_a_ledger_of_nobody_fails_with_the_remedy(db: None) -> None:
    with pytest.raises(CommandError, match="retailer_open"):
        call_command("ledger", "--schema", "t_nobody")


def test_invariants_hold_in_every_retailer_or_name_the_broken_one(
    fresh_db: str, other: RetailerRef
) -> None:
    with retailer_context("t2"):
        make_hub()
        order = make_order()
    sound = run("invariants", "--all")
    assert sound["broken"] == []
    assert sound["checked"] >= 3 * 7  # t1, t2 and the house
    with retailer_context("t2"):
        order.parcels.all().delete()
    with pytest.raises(CommandError, match="t2: an order has as many parcels"):
        call_command("invariants", "--all", stdout=io.StringIO())
    call_command("invariants", "--schema", "t1", stdout=io.StringIO())


def test_a_roll_that_does_not_resolve_is_a_problem(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lastmile import switchboard

    monkeypatch.setattr(switchboard, "LEDGER", ["dispatch.orders.rolls.nothing"])
    assert any("rolls.nothing" in said for said in wiring.problems())
