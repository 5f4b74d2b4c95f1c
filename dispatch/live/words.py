"""The words of the live day: why an act is refused, and the words that a driver reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

Words = str | Lazy

#: Why an act is malformed, for the driver and for staff.
PROBLEMS: Final[Mapping[str, Words]] = {
    "too_old": _("This is older than 14 days. Tell your dispatcher what happened."),
    "order_unknown": _("This order is not known here. Tell your dispatcher what happened."),
    "outcome_wrong": _("A return is picked up, every other order is delivered. Tell your "
                       "dispatcher what happened."),
    "reason_unknown": _("The reason is missing or not known. Tell your dispatcher why it failed."),
    "kind_unknown": _("This version of the server does not know this act. Tell your dispatcher "
                      "what happened."),
    "time_missing": _("The time of this act is missing. Tell your dispatcher when it happened."),
}  # fmt: skip
_OTHER: Final = _(
    "The app sent something that is not complete. Tell your dispatcher what happened."
)


def problem_text(code: str) -> Words:
    """Return why an act was refused and what the driver can do."""
    return PROBLEMS.get(code, _OTHER)


#: Why a visit failed, as a driver chooses it.
REASONS: Final[Mapping[str, Words]] = {
    "not_home": _("Nobody at home"),
    "address_not_found": _("Address not found"),
    "no_access": _("No way in"),
    "no_parking": _("No place to stop"),
    "refused": _("Refused at the door"),
    "parcel_missing": _("A parcel is missing"),
    "parcel_damaged": _("A parcel is damaged"),
    "proof_missing": _("The proof is missing"),
    "no_time": _("No time left"),
    "vehicle_broke_down": _("The vehicle broke down"),
    "cancelled": _("Cancelled at the door"),
    "other": _("Another reason"),
}
#: What a driver did, by kind of act, and how a visit ended.
ACTS: Final[Mapping[str, Words]] = {
    "shift_started": _("Shift started"),
    "vehicle_checked": _("Vehicle checked"),
    "loaded": _("Loaded"),
    "not_loaded": _("Missing at loading"),
    "left_hub": _("Left the hub"),
    "arrived": pgettext_lazy("act of a driver", "Arrived"),
    "delivered": _("Delivered"),
    "picked_up": pgettext_lazy("driver", "Picked up"),
    "failed": _("Not delivered"),
    "deposited": _("Put into a locker"),
    "bank_fault": _("Locker not usable"),
    "taken_out": _("Taken out of a locker"),
    "corrected": _("Corrected"),
    "proof_added": _("Proof given later"),
    "note": _("Note"),
    "code_looked": _("Access code seen"),
    "break_started": _("Break started"),
    "break_ended": _("Break ended"),
    "plan_confirmed": _("Change confirmed"),
    "back_at_hub": _("Back at the hub"),
    "shift_ended": _("Shift ended"),
}
#: Steps of a parcel's custody, for staff.
CUSTODY: Final[Mapping[str, Words]] = {
    "loaded": pgettext_lazy("custody", "loaded"),
    "missing": pgettext_lazy("custody", "missing at loading"),
    "handed_over": pgettext_lazy("custody", "delivered"),
    "kept": pgettext_lazy("custody", "not delivered, still in the vehicle"),
    "picked_up": pgettext_lazy("custody", "picked up"),
    "brought_back": pgettext_lazy("custody", "back at the hub"),
}
HANDOVERS: Final[Mapping[str, Words]] = {
    "attended": _("Hand over in person"),
    "contactless": _("Contactless"),
}
ACCESS: Final[Mapping[str, Words]] = {
    "": _("Note"),
    "safe_place": _("Leave in a safe place"),
    "neighbour": _("Leave with a neighbour"),
    "lockbox": _("Lockbox"),
    "gate_code": _("Gate code"),
    "pin": _("Hand over only against the shopper's PIN"),
}
PROOFS: Final[Mapping[str, Words]] = {
    "photo": _("Photo"),
    "signature": _("Signature"),
    "name": _("Name of the receiver"),
    "pin": _("PIN of the shopper"),
    "scan": _("Scan"),
    "age": _("Age check"),
}
PROOF_HOW: Final[Mapping[str, Words]] = {
    "typed": _("typed by the driver"),
    "shopper": _("the shopper"),
    "neighbour": _("a neighbour"),
    "other": _("another person"),
    "pass": _("passed"),
    "fail": _("not passed"),
}
#: Why a proof is doubtful, for staff.
FLAGS: Final[Mapping[str, Words]] = {
    "far": _("More than 150 m from the door"),
    "doubled": _("The same photo is the proof of another door"),
    "blurred": _("The photo is blurred"),
    "too_dark": _("The photo is too dark or empty"),
    "no_ink": _("The signature is empty"),
    "unreadable": _("The photo cannot be read"),
    "wrong_pin": _("The PIN is wrong"),
    "age_failed": _("The age check was not passed"),
}
EMPTY: Final[Mapping[str, Words]] = {
    "no_shift": _("You have no shift now. Ask your dispatcher."),
    "no_plan": _("The plan of your shift is not published yet. It appears here by itself."),
    "no_stops": _("The plan has no stop for you. Ask your dispatcher."),
}
