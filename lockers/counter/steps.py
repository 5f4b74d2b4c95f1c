"""The steps at a counter: what a scan means, and what was done with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from dispatch.orders.models import Order, Parcel
from dispatch.orders.selectors import orders_of
from lastmile.core import clock
from lastmile.core.errors import DomainError, NotAllowed, TooMany
from lastmile.core.http import fetch
from lockers import selectors
from lockers.codes import has_pin_shape
from lockers.models import LockerBank, LockerReservation
from lockers.services import counter as services
from lockers.services.reserving import need_of
from lockers.states import INSIDE, Purpose, ReservationState
from tenants.permissions import PageRequest

S = ReservationState


@dataclass(slots=True, kw_only=True)
class Step:
    """The answer of the page to a scan.

    ``name`` is the next step: "" (scan), ``shelve``, ``code``, ``hand``, ``courier``, ``choose`` or
    ``unknown``. ``tone`` is ok, risk or failed; ``place`` is a place of the shelves in large words.
    """

    name: str = ""
    tone: str = ""
    title: str = ""
    detail: str = ""
    place: str = ""
    row: LockerReservation | None = None
    rows: list[LockerReservation] = field(default_factory=list)
    code: str = ""


def scan(bank: LockerBank, code: str) -> Step:
    """Return the step that a scanned or typed code leads to."""
    text = code.strip()[:700]
    rows = selectors.named_by(bank, text)
    if len(rows) > 1:
        return Step(name="choose", tone="risk", title=_("Which parcel is it?"), rows=rows)
    if rows:
        return of_parcel(bank, rows[0])
    if has_pin_shape(text) or _is_token(text):
        return _of_code(bank, text)
    return Step(
        name="unknown",
        tone="risk",
        title=_("This code is not known here."),
        detail=_("Scan it again, or say what the parcel is."),
        code=text[:64],
    )


def _is_token(text: str) -> bool:
    """Return True if a text has the form of our QR codes."""
    return text.count(".") == 1 and len(text) > 40


def of_parcel(bank: LockerBank, row: LockerReservation) -> Step:
    """Return the step for a parcel of a counter."""
    place = row.compartment.number if row.compartment else ""
    if S(row.state) not in INSIDE:
        place = place or services.free_place(bank, need_of(row), clock.now())
        return Step(name="shelve", title=_("Put it on the shelf"), place=place, row=row)
    if S(row.state) in {S.READY, S.DEPOSITED}:
        return Step(name="code", title=_("It waits for its shopper"), place=place, row=row)
    if S(row.state) == S.DISPUTED:
        return Step(
            tone="failed",
            title=_("Do not hand it out"),
            detail=_("The reports about this parcel do not match. A dispatcher decides."),
            place=place,
            row=row,
        )
    return Step(name="courier", title=_("Give it to the driver"), place=place, row=row)


def _of_code(bank: LockerBank, text: str) -> Step:
    """Return the step for a shopper's code, or for the number of a parcel that looks like one."""
    try:
        named = services.by_code(bank=bank, typed=text)
    except (NotAllowed, TooMany) as refused:
        step = Step(tone="failed", title=_("Not done"), detail=str(refused.detail))
        if not _is_token(text):
            step.name, step.code = "unknown", text
            step.detail += " " + _("If it is the number of a parcel, say what the parcel is.")
        return step
    row = selectors.at_counter(bank, inside=True).filter(pk=named.pk).first()
    if row is None:
        return Step(tone="failed", title=_("Not done"), detail=_("It was handed out meanwhile."))
    place = row.compartment.number if row.compartment else ""
    return Step(name="hand", title=_("Hand it out"), place=place, row=row, code=text)


def act(request: PageRequest, bank: LockerBank) -> Step:
    """Do the act of the submitted form, and return what the page shows then."""
    form = _form(request)
    named_act = _ACTS.get(form.get("act", ""), _scan)
    try:
        return named_act(request, bank)
    except DomainError as refused:
        named = form.get("reservation", "")
        step = of_parcel(bank, _row(bank, named)) if named else Step()
        step.tone, step.title, step.detail = "failed", _("Not done"), str(refused.detail)
        return step


def _form(request: PageRequest) -> Mapping[str, str]:
    """Return the submitted fields. A scanner may send NUL, which no column can have."""
    return {name: str(text).replace("\x00", "") for name, text in request.POST.items()}


def _row(bank: LockerBank, public_id: str) -> LockerReservation:
    rows = LockerReservation.objects.filter(bank=bank).select_related(
        "bank", "compartment", "order__shopper", "parcel"
    )
    return fetch(rows, public_id)


def _scan(request: PageRequest, bank: LockerBank) -> Step:
    code = _form(request).get("code", "")
    return scan(bank, code) if code.strip() else Step()


def _choose(request: PageRequest, bank: LockerBank) -> Step:
    return of_parcel(bank, _row(bank, _form(request).get("reservation", "")))


def _shelve(request: PageRequest, bank: LockerBank) -> Step:
    form = _form(request)
    row = _row(bank, form.get("reservation", ""))
    place = form.get("place", "").strip() or form.get("free", "")
    row = services.shelve(reservation=row, place=place)
    if row.state == S.DISPUTED:
        return Step(
            tone="failed",
            title=_("On the shelf, but something is wrong"),
            detail=_("The reports about this parcel do not match. A dispatcher decides."),
            place=row.compartment.number if row.compartment else "",
            row=row,
        )
    place = row.compartment.number if row.compartment else ""
    detail = _("The shopper is told.") if row.state == S.READY and row.order else ""
    return Step(tone="ok", title=_("On the shelf"), detail=detail, place=place, row=row)


def _code(request: PageRequest, bank: LockerBank) -> Step:
    """Hand out by the code of the shopper; the code must be the one of this parcel."""
    form = _form(request)
    typed = "".join(form.get("pin", "").split())[:700]
    row = services.by_code(bank=bank, typed=typed)
    named = form.get("reservation", "")
    if named and row.public_id != named:
        step = of_parcel(bank, _row(bank, named))
        step.tone, step.title = "failed", _("Wrong parcel")
        step.detail = _("The code belongs to another parcel. Take that one from its place.")
        step.place = row.compartment.number if row.compartment else ""
        return step
    return _done(bank, services.give_to_shopper(reservation=row))


def _identity(request: PageRequest, bank: LockerBank) -> Step:
    row = _row(bank, _form(request).get("reservation", ""))
    if _form(request).get("checked") != "1":
        step = of_parcel(bank, row)
        step.tone, step.title = "failed", _("Not done")
        step.detail = _("Look at the identity document first, and tick the box.")
        return step
    return _done(bank, services.give_to_shopper(reservation=row, by_identity=True))


def _courier(request: PageRequest, bank: LockerBank) -> Step:
    row = _row(bank, _form(request).get("reservation", ""))
    place = row.compartment.number if row.compartment else ""
    services.give_to_courier(reservation=row)
    return Step(tone="ok", title=_("Given to the driver"), place=place)


def _drop(request: PageRequest, bank: LockerBank) -> Step:
    """Take a parcel from a shopper, who returns it or sends it to somebody."""
    form = _form(request)
    code = form.get("code", "").strip()[:64]
    is_return = form.get("act") == "return"
    row = services.take_drop(
        bank=bank,
        code=code,
        order=_order_of(request, code),
        purpose=Purpose.RETURN if is_return else Purpose.C2C,
    )
    return of_parcel(bank, _row(bank, row.public_id))


def _order_of(request: PageRequest, code: str) -> Order | None:
    """Return the order that a code names, if exactly one does."""
    rows = orders_of(request.principal)
    named = list(rows.filter(external_id=code)[:2])
    if not named:
        parcels = Parcel.objects.filter(barcode=code).values("order")
        named = list(rows.filter(pk__in=parcels)[:2])
    return named[0] if len(named) == 1 else None


def _done(bank: LockerBank, row: LockerReservation) -> Step:
    place = row.compartment.number if row.compartment else ""
    others = [
        one
        for one in selectors.at_counter(bank, inside=True).filter(order=row.order_id)
        if row.order_id and one.pk != row.pk
    ]
    if others:
        places = ", ".join(one.compartment.number for one in others if one.compartment)
        detail = _("The same order has more here: %(places)s.") % {"places": places}
        return Step(tone="ok", title=_("Handed out"), detail=detail, place=place)
    return Step(tone="ok", title=_("Handed out"), place=place)


_ACTS = {
    "choose": _choose,
    "shelve": _shelve,
    "code": _code,
    "hand": _code,
    "identity": _identity,
    "courier": _courier,
    "return": _drop,
    "send": _drop,
}
