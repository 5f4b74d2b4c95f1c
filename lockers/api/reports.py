"""API views of locker events and courier sessions: what networks and carriers report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from lastmile.core.errors import DomainError, Invalid, NotAllowed
from lastmile.core.http import cursor_page, fetch, named_in_body
from lastmile.core.http.problems import field_problems
from lastmile.core.http.strict import validated
from lastmile.core.openapi import page_of
from lockers import selectors, services
from lockers.api import shapes_reports as shapes
from lockers.models import CourierSession, LockerBank, LockerEvent, LockerReservation
from lockers.selectors.reports import work_at
from lockers.services.reports import ReportDraft, open_session, take_report
from lockers.states import ReportKind
from tenants.permissions import Act, KeyRole, Principal, RetailerAPIView, visible

_EVENTS_ORDER = ("-received_at", "-public_id")
_SESSIONS_ORDER = ("-opened_at", "-public_id")


class ReportAPIView(RetailerAPIView):
    """The base of views that take events in batches; each event has its own answer."""

    def take(self, session: CourierSession | None = None) -> Response:
        """Take the batch of the body."""
        banks = banks_of(self.principal)
        items = self.shape_in(shapes.LockerEventsIn)["events"]
        results = [self._one(banks, item, session) for item in items]
        services.point_to_next_look()
        return self.shape_out(shapes.ReportsOut, {"results": results})

    def _one(
        self, banks: QuerySet[LockerBank], item: Any, session: CourierSession | None
    ) -> Mapping[str, Any]:
        sent_id = item.get("id") if isinstance(item, Mapping) else None
        answer = {"id": str(sent_id or "")[:40], "reservation": None, "problem": None}
        try:
            draft = self._draft(banks, item, session)
            is_new = take_report(draft=draft)
        except DomainError as refused:
            problem = {"code": refused.code, "detail": _detail(refused)}
            return answer | {"status": "rejected", "problem": problem}
        row = draft.reservation
        if row is not None:
            row = selectors.reservations_of(self.principal).get(pk=row.pk)
        return answer | {"status": "stored" if is_new else "duplicate", "reservation": row}

    def _draft(
        self, banks: QuerySet[LockerBank], item: Any, session: CourierSession | None
    ) -> ReportDraft:
        data = _read(item)
        reservation = None
        if "reservation" in data:
            rows = selectors.reservations_of(self.principal).filter(bank__in=banks)
            reservation = named_in_body(rows, data["reservation"], "reservation")
        bank = _bank(banks, data, reservation, session)
        box = None
        if "compartment" in data:
            boxes = selectors.compartments_of(self.principal).filter(bank=bank)
            box = boxes.filter(number=data["compartment"]).first()
            if box is None:
                raise Invalid(_("The bank has no compartment with this number."))
        return ReportDraft(
            sender=self.principal.public_id,
            id=data["id"],
            kind=ReportKind(data["kind"]),
            bank=bank,
            at=data["at"],
            reservation=reservation,
            compartment=box,
            session=session,
            reason=data.get("reason", ""),
        )


def banks_of(principal: Principal) -> QuerySet[LockerBank]:
    """Return the banks that a caller may report of.

    The key of a locker names a bank or a network. Raises NotAllowed without a name.
    """
    rows = selectors.banks_of(principal)
    if principal.role != KeyRole.LOCKER:
        return rows
    if not principal.ref:
        raise NotAllowed(
            _("This key names no bank and no network. Make a key with a reference: the id of a "
              "bank, or the name of a network.")
        )  # fmt: skip
    ref = principal.ref.removeprefix("external_id:")
    return rows.filter(Q(public_id=ref) | Q(external_id=ref) | Q(network__iexact=ref))


def _read(item: Any) -> dict[str, Any]:
    """Return the checked members of an event. Raises Invalid."""
    try:
        data: dict[str, Any] = validated(shapes.LockerEventIn(data=item))
    except ValidationError as odd:
        detail = _("Some values are not valid; see errors.")
        raise Invalid(detail, errors=field_problems(odd)) from None
    return data


def _bank(
    banks: QuerySet[LockerBank],
    data: Mapping[str, Any],
    reservation: LockerReservation | None,
    session: CourierSession | None,
) -> LockerBank:
    """Return the bank of an event. Raises Invalid if its names do not fit together."""
    named = named_in_body(banks, data["bank"], "bank") if "bank" in data else None
    chosen = [bank for bank in (named, reservation and reservation.bank) if bank]
    if session is not None:
        chosen.append(session.bank)
    if not chosen:
        raise Invalid(_("Name the reservation, or the bank and its compartment."))
    if len({bank.pk for bank in chosen}) > 1:
        raise Invalid(_("The reservation is at another bank."))
    return chosen[0]


def _detail(refused: DomainError) -> str:
    """Return the cause with its field, such as "/kind: …"."""
    errors: Sequence[Any] = getattr(refused, "errors", None) or ()
    texts = [f"{one.pointer}: {one.detail}" for one in errors]
    return "; ".join(texts) or str(refused.detail)


class LockerEventsView(ReportAPIView):
    """The list of events, and taking a batch of them."""

    acts = {"get": Act.LOCKERS_VIEW, "post": Act.LOCKERS_REPORT}

    @extend_schema(operation_id="locker_events_list", responses=page_of(shapes.LockerEventOut))
    def get(self, request: Request) -> Response:
        """List the events that networks and couriers reported here, newest first."""
        rows = visible(
            self.principal,
            LockerEvent.objects.select_related("bank", "reservation", "compartment", "session"),
            "bank__hub__public_id",
        )
        return cursor_page(request, rows, shapes.LockerEventOut, order=_EVENTS_ORDER)

    @extend_schema(
        operation_id="locker_events_send",
        request=shapes.LockerEventsIn,
        responses={200: shapes.ReportsOut},
    )
    def post(self, request: Request) -> Response:
        """Take what the cloud of a network saw, in the order in which it happened.

        A repeated `id` is a `duplicate`. What was seen counts, even against the reservation: a
        deposit after a cancellation becomes a case for staff.
        """
        return self.take()


class CourierSessionsView(RetailerAPIView):
    """The list of courier sessions, and opening one."""

    acts = {"get": Act.LOCKERS_VIEW, "post": Act.LOCKERS_RESERVE}

    @extend_schema(
        operation_id="courier_sessions_list", responses=page_of(shapes.CourierSessionOut)
    )
    def get(self, request: Request) -> Response:
        """List the sessions, newest first."""
        rows = sessions_of(self.principal)
        return cursor_page(request, rows, shapes.CourierSessionOut, order=_SESSIONS_ORDER)

    @extend_schema(
        operation_id="courier_sessions_open",
        request=shapes.CourierSessionIn,
        responses={201: shapes.SessionWorkOut},
    )
    def post(self, request: Request) -> Response:
        """Open the session of a courier at a bank; the answer has the parcels to put in and out."""
        data = self.shape_in(shapes.CourierSessionIn)
        bank = named_in_body(selectors.banks_of(self.principal), data["bank"], "bank")
        row = open_session(bank=bank, opener=self.principal.public_id)
        where = f"{request.path}{row.public_id}/"
        return self.shape_out(shapes.SessionWorkOut, work_at(row), 201, Location=where)


class CourierSessionView(RetailerAPIView):
    """The view of one session."""

    acts = {"get": Act.LOCKERS_VIEW}

    @extend_schema(operation_id="courier_sessions_get", responses=shapes.SessionWorkOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a session with the courier's work at its bank now."""
        row = fetch(sessions_of(self.principal), public_id)
        return self.shape_out(shapes.SessionWorkOut, work_at(row))


class SessionEventsView(ReportAPIView):
    """Taking what a courier tells in a session."""

    acts = {"post": Act.LOCKERS_RESERVE}

    @extend_schema(
        operation_id="courier_sessions_events",
        request=shapes.LockerEventsIn,
        responses={200: shapes.ReportsOut},
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Take `deposited`, `taken_out`, `misaligned`, `too_big`, `broken`, `occupied`, `skipped`.

        After a fault the answer names the new compartment, or the code `no_free_compartment`. The
        report of a connected cabinet comes before the courier's.
        """
        return self.take(fetch(sessions_of(self.principal), public_id))


def sessions_of(principal: Principal) -> QuerySet[CourierSession]:
    """Return the sessions at banks that a caller may see."""
    rows: QuerySet[CourierSession] = visible(
        principal, CourierSession.objects.select_related("bank__hub"), "bank__hub__public_id"
    )
    return rows
