"""The forms of the acts of support on one reservation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from dispatch.console.fields import to_minor
from lastmile.core import formatting
from lastmile.core.tenancy import current_retailer
from lockers import selectors
from lockers.models import LockerReservation
from lockers.pages import words
from lockers.policy import locker_policy
from lockers.selectors.nearest import Wanted
from lockers.services import staff
from lockers.services.disputes import LONGEST_REASON
from lockers.services.reserving import need_of
from lockers.states import HELD, INSIDE, ReservationState
from tenants.permissions import Act, Principal
from tenants.sections import Label

S = ReservationState
_RADIUS_M: Final = 25_000
_MOST_BANKS: Final = 8
_MOST_SEEN: Final = 1_000_000


class ActForm(forms.Form):
    """A form of one act on a reservation."""

    #: The act that a page must not do twice, and how often it was done before this page.
    what = ""

    def __init__(self, row: LockerReservation, data: Any = None) -> None:
        seen = staff.times_done(row).get(self.what, 0) if data is None else None
        super().__init__(data, initial={"seen": seen})
        self.row = row
        if self.what:
            self.fields["seen"] = forms.IntegerField(
                required=False,
                min_value=0,
                max_value=_MOST_SEEN,
                widget=forms.HiddenInput(attrs={"id": f"seen-{self.what}"}),
            )

    def act(self, row: LockerReservation) -> Any:
        """Do the act. Raises what its service raises."""
        raise NotImplementedError


class ExtendForm(ActForm):
    """More hours to collect."""

    what = "collect_by"
    hours = forms.IntegerField(label=_("Hours more"), min_value=1, max_value=168, initial=24)

    def act(self, row: LockerReservation) -> Any:
        data = self.cleaned_data
        return staff.keep_longer(reservation=row, hours=data["hours"], seen=data["seen"])


class OpenForm(ActForm):
    """The command to open the door."""

    what = "command"
    hand_over = forms.BooleanField(required=False)

    def act(self, row: LockerReservation) -> Any:
        data = self.cleaned_data
        return staff.open_remotely(reservation=row, hand_over=data["hand_over"], seen=data["seen"])


class CancelForm(ActForm):
    """The end of a reservation."""

    def act(self, row: LockerReservation) -> Any:
        return staff.cancel_by_staff(reservation=row)


class ChangeBoxForm(ActForm):
    """Another compartment of the same bank."""

    compartment = forms.CharField(label=_("Number on the new door"), max_length=16)

    def act(self, row: LockerReservation) -> Any:
        number = self.cleaned_data["compartment"]
        return staff.change_box(reservation=row, number=number)


class RefundForm(ActForm):
    """A note that the shopper gets money back."""

    what = "refund"
    amount = forms.DecimalField(label=_("Amount"), min_value=0, max_value=1_000_000)
    reason = forms.ChoiceField(label=_("Reason"), choices=list(words.REFUNDS.items()))
    text = forms.CharField(
        label=_("Note for the audit log (optional)"), max_length=200, required=False
    )

    def __init__(self, row: LockerReservation, data: Any = None) -> None:
        super().__init__(row, data)
        currency = current_retailer().currency
        self.fields["amount"].label = _g("Amount, %(currency)s") % {"currency": currency}

    def act(self, row: LockerReservation) -> Any:
        data = self.cleaned_data
        return staff.note_refund(
            reservation=row, reason=data["reason"], text=data["text"], seen=data["seen"],
            amount_minor=to_minor(data["amount"], current_retailer().currency),
        )  # fmt: skip


class BankMoveForm(ActForm):
    """Another bank: the nearest ones with a free compartment that suits."""

    bank = forms.ChoiceField(label=_("Bank"))

    def __init__(self, row: LockerReservation, principal: Principal, data: Any = None) -> None:
        super().__init__(row, data)
        self._banks = {near.bank.public_id: near for near in _banks_near(row, principal)}
        bank = self.fields["bank"]
        assert isinstance(bank, forms.ChoiceField)
        bank.choices = [
            (name, f"{near.bank.name} · {formatting.distance(near.distance_m)}")
            for name, near in self._banks.items()
        ]

    def act(self, row: LockerReservation) -> Any:
        near = self._banks[self.cleaned_data["bank"]]
        return staff.move_by_staff(reservation=row, bank=near.bank)


def _banks_near(row: LockerReservation, principal: Principal) -> list[selectors.NearBank]:
    need = need_of(row)
    wanted = Wanted(
        near=row.bank.point, radius_m=_RADIUS_M, size=need.size, weight_g=row.weight_g,
        low_door=row.low_door, cooled=row.cooled,
    )  # fmt: skip
    others = selectors.banks_of(principal).exclude(pk=row.bank_id)
    return selectors.nearest_banks(others, wanted, _MOST_BANKS)


class SettleForm(forms.Form):
    """The end of a dispute: where the parcel is, and how that is known."""

    outcome = forms.ChoiceField(
        label=_("Where is the parcel?"), widget=forms.RadioSelect,
        choices=list(words.SETTLED.items()),
    )  # fmt: skip
    compartment = forms.CharField(
        label=_("Compartment in which it is"), max_length=16, required=False,
        help_text=_("Only if the parcel is in a compartment. Read the number from the door."),
    )  # fmt: skip
    reason = forms.CharField(
        label=_("How do you know?"), max_length=LONGEST_REASON,
        help_text=_("For example: the courier looked at 14:10. Do not write names here."),
    )  # fmt: skip

    def __init__(self, row: LockerReservation, data: Any = None) -> None:
        number = row.compartment.number if row.compartment else ""
        super().__init__(data, initial={"compartment": number})


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffAct:
    """An act on a reservation: its words and its form.

    ``warns`` says what follows; the dialog shows it before the act is done.
    """

    name: str
    title: Label
    warns: Label
    button: Label
    icon: str
    form: type[ActForm]
    done: Label
    is_danger: bool = False


ACTS: Final[Mapping[str, StaffAct]] = {
    act.name: act
    for act in (
        StaffAct(
            name="extend",
            title=_("Give more time"),
            warns=_("The parcel stays in its compartment longer, and its code works longer."),
            button=_("Give more time"),
            icon="clock",
            form=ExtendForm,
            done=_("The shopper has more time to collect."),
        ),
        StaffAct(
            name="change_box",
            title=_("Use another compartment"),
            warns=_(
                "If the parcel is inside, somebody must have carried it over already. The old "
                "compartment then counts as unknown until the cabinet sees it empty."
            ),
            button=_("Use this compartment"),
            icon="layout-grid",
            form=ChangeBoxForm,
            done=_("The reservation has another compartment."),
        ),
        StaffAct(
            name="refund",
            title=_("Note a refund"),
            warns=_("This is a note in the history. Pay the money in your payment system."),
            button=_("Note the refund"),
            icon="undo-2",
            form=RefundForm,
            done=_("The refund was noted."),
        ),
        StaffAct(
            name="cancel",
            title=_("Cancel the reservation"),
            warns=_(
                "This cannot be undone. If the parcel is inside, a courier takes it out, and the "
                "compartment is free only then."
            ),
            button=_("Cancel the reservation"),
            icon="ban",
            form=CancelForm,
            done=_("The reservation was cancelled."),
            is_danger=True,
        ),
    )
}


def acts_on(row: LockerReservation, principal: Principal) -> dict[str, Any]:
    """Return what a principal may do with a reservation now: the forms by name, and flags."""
    state = S(row.state)
    lives = state in HELD | INSIDE
    may_change = principal.may(Act.LOCKERS_RESERVE)
    names: list[str] = []
    if may_change:
        waits = state in {S.READY, S.COLLECT_EXPIRED}
        names += ["extend"] if waits and row.extensions < locker_policy().extensions else []
        names += ["change_box"] if lives and row.compartment else []
        names += ["refund"]
        ends = HELD | {S.QUEUED, S.DEPOSITED, S.READY, S.COLLECT_EXPIRED}
        names += ["cancel"] if state in ends else []
    may_open = lives and row.compartment is not None and principal.may(Act.LOCKERS_COMMAND)
    may_move = may_change and state in HELD | {S.QUEUED}
    return {
        "forms": [(ACTS[name], ACTS[name].form(row)) for name in names],
        "move": BankMoveForm(row, principal) if may_move else None,
        "open": OpenForm(row) if may_open else None,
        "codes": lives and row.generation > 0 and principal.may(Act.LOCKERS_CODES),
        "settle": state == S.DISPUTED and may_change,
    }


def limit_of(form: forms.Form) -> str:
    """Return the first error of a form as a sentence with the name of its field."""
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        return f"{label}: {errors[0]}" if label else str(errors[0])
    return ""
