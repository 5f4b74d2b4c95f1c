"""The rolls: the ledger of one retailer, and the invariants of all."""

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
    result: dict[str, Any] = json.loads(out.getvalue())
    return result


def test_the_ledger_lists_one_retailers_data_only(fresh_db: str, other: RetailerRef) -> None:
    order_ids = {}
    for schema in ("t1", "t2"):
        with retailer_context(schema):
            make_hub()
            order_ids[schema] = make_order().public_id
    for schema in ("t1", "t2"):
        result = run("ledger", "--schema", schema)
        assert result["schema"] == schema
        assert result["rooms"]["dispatch.orders"]["orders"] == {order_ids[schema]: "ready"}
        assert len(result["rooms"]["dispatch.fleet"]["hubs"]) == 1


def test_a_ledger_of_an_unknown_retailer_fails_with_the_remedy(db: None) -> None:
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
    assert sound["checked"] >= 3 * 7  # t1, t2 and the operator
    with retailer_context("t2"):
        order.parcels.all().delete()
    with pytest.raises(CommandError, match="t2: parcel_count equals the number of parcels"):
        call_command("invariants", "--all", stdout=io.StringIO())
    call_command("invariants", "--schema", "t1", stdout=io.StringIO())


def test_a_roll_that_does_not_resolve_is_a_problem(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lastmile import switchboard

    monkeypatch.setattr(switchboard, "LEDGER", ["dispatch.orders.rolls.nothing"])
    assert any("rolls.nothing" in error for error in wiring.problems())
