"""Adds and changes banks from a list, so that the same list twice changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lastmile.core.actor import current_actor
from lockers.models import LockerBank, LockerChange
from lockers.services.banks import BankDraft, bank_values, check_bank
from lockers.services.changed_banks import ask_to_follow


@dataclass(frozen=True, slots=True, kw_only=True)
class BankPut:
    """The result of one point: added, changed with the names of its columns, or the same."""

    bank: LockerBank
    status: Literal["placed", "updated", "same"]
    changed: tuple[str, ...] = ()


def put_banks(drafts: Sequence[tuple[BankDraft, Iterable[str]]]) -> list[BankPut]:
    """Add or change a bank for each draft; its external id says which.

    The second part of each pair are the columns that the list fills: only these change on an
    existing bank. A bank that had left its network becomes active again; one that staff closed
    stays closed. A job brings the orders of changed banks to their new place and hours. Call it in
    a transaction.

    Locks: the existing banks, in pk order. Records: nothing. Raises: Invalid.
    """
    for draft, _fields in drafts:
        check_bank(draft)
    ids = [draft.external_id for draft, _fields in drafts]
    rows = LockerBank.objects.filter(external_id__in=ids).select_related("hub")
    locked = rows.select_for_update(of=("self",), no_key=True).order_by("pk")
    existing = {bank.external_id: bank for bank in locked}
    results = [
        _change(existing[draft.external_id], draft, set(fields))
        if draft.external_id in existing
        else BankPut(bank=LockerBank(**bank_values(draft)), status="placed")
        for draft, fields in drafts
    ]
    LockerBank.objects.bulk_create(put.bank for put in results if put.status == "placed")
    LockerChange.objects.bulk_create(
        LockerChange(
            bank=put.bank,
            what="bank",
            after=", ".join(put.changed),
            cause="imported",
            actor=current_actor(),
        )
        for put in results
        if put.status != "same"
    )
    ask_to_follow(put.bank for put in results if put.status == "updated")
    return results


def _change(bank: LockerBank, draft: BankDraft, fields: set[str]) -> BankPut:
    """Write the values that differ. Locks, Records, Raises: nothing."""
    values = bank_values(draft)
    if bank.closed_there:
        values |= {"active": True, "closed_there": False}
    new: dict[str, Any] = {
        name: value
        for name, value in values.items()
        if name in fields | {"active", "closed_there"} and getattr(bank, name) != value
    }
    if not new:
        return BankPut(bank=bank, status="same")
    for name, value in new.items():
        setattr(bank, name, value)
    bank.version += 1
    bank.save(update_fields=[*new, "version", "updated_at"])
    return BankPut(bank=bank, status="updated", changed=tuple(sorted(new)))
