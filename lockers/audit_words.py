"""The audit log's words for lockers."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy

from lastmile.core import formatting
from lockers.models import Compartment, LockerBank, LockerReservation
from lockers.pages import words as page_words
from tenants.audit_words import AuditWords, Field, Names, Sentence


def words() -> AuditWords:
    """Return the words of the audit log for lockers."""
    return AuditWords(
        sentences=_sentences(),
        fields={
            "locker": {
                "role": Field(gettext_lazy("Code"), _role),
                "compartment": Field(gettext_lazy("Compartment")),
                "hours": Field(gettext_lazy("Hours more")),
                "state": Field(gettext_lazy("Status"), _state),
                "bank": Field(gettext_lazy("Bank")),
                "amount": Field(gettext_lazy("Amount"), _money),
                "reason": Field(gettext_lazy("Reason"), _reason),
                "note": Field(gettext_lazy("Note")),
                "outcome": Field(gettext_lazy("Where is the parcel?"), _outcome),
            }
        },
        names=_names,
    )


def _sentences() -> dict[str, Sentence]:
    return {
        "locker.token": Sentence(gettext_lazy("%(who)s made a token for a cabinet of lockers")),
        "locker.account": Sentence(
            gettext_lazy("%(who)s changed the account at a network of lockers")
        ),
        "locker.identity": Sentence(
            gettext_lazy("%(who)s handed out a parcel after a look at the identity document")
        ),
        "locker.open": Sentence(gettext_lazy("%(who)s opened a compartment remotely: %(what)s")),
        "locker.block": Sentence(gettext_lazy("%(who)s blocked a compartment: %(what)s")),
        "locker.unblock": Sentence(gettext_lazy("%(who)s unblocked a compartment: %(what)s")),
        "locker.reboot": Sentence(gettext_lazy("%(who)s restarted a cabinet of lockers: %(what)s")),
        "locker.add_bank": Sentence(
            gettext_lazy("%(who)s added a bank of lockers: %(what)s"), adds=True
        ),
        "locker.new_code": Sentence(
            gettext_lazy("%(who)s gave new codes to a locker reservation: %(what)s")
        ),
        "locker.delegate": Sentence(gettext_lazy("%(who)s let another person collect: %(what)s")),
        "locker.show_code": Sentence(
            gettext_lazy("%(who)s looked at the code of a locker reservation: %(what)s")
        ),
        "locker.change_box": Sentence(
            gettext_lazy("%(who)s gave a locker reservation another compartment: %(what)s")
        ),
        "locker.extend": Sentence(gettext_lazy("%(who)s gave more time to collect: %(what)s")),
        "locker.cancel": Sentence(gettext_lazy("%(who)s cancelled a locker reservation: %(what)s")),
        "locker.move": Sentence(
            gettext_lazy("%(who)s moved a locker reservation to another bank: %(what)s")
        ),
        "locker.refund": Sentence(
            gettext_lazy("%(who)s noted a refund for a locker reservation: %(what)s")
        ),
        "locker.settle_dispute": Sentence(
            gettext_lazy("%(who)s settled a dispute about a parcel in a locker: %(what)s")
        ),
    }


def _role(value: object) -> str:
    return str(page_words.ROLES.get(str(value), value))


def _state(value: object) -> str:
    return page_words.state_word(str(value))


def _reason(value: object) -> str:
    return str(page_words.REFUNDS.get(str(value), value))


def _outcome(value: object) -> str:
    return str(page_words.SETTLED.get(str(value), value))


def _money(value: object) -> str:
    amount, _space, currency = str(value).partition(" ")
    return formatting.money(int(amount), currency) if amount.isdecimal() else str(value)


def _names(ids: Iterable[str]) -> Names:
    """Return the names of banks, compartments and reservations. Takes three statements at most."""
    wanted: dict[str, list[str]] = {"bnk": [], "cmp": [], "rsv": []}
    for public_id in ids:
        wanted.get(public_id[:3], []).append(public_id)
    names: dict[str, str] = {}
    if wanted["bnk"]:
        banks = LockerBank.objects.filter(public_id__in=wanted["bnk"])
        names |= dict(banks.values_list("public_id", "name"))
    boxes = Compartment.objects.filter(public_id__in=wanted["cmp"]).select_related("bank")
    for box in boxes if wanted["cmp"] else ():
        names[box.public_id] = f"{box.bank.name} {box.number}"
    rows = LockerReservation.objects.filter(public_id__in=wanted["rsv"])
    for row in rows.select_related("order", "bank") if wanted["rsv"] else ():
        order = row.order and (row.order.external_id or row.order.public_id)
        names[row.public_id] = f"{order or row.parcel_ref or '–'}, {row.bank.name}"
    return names
