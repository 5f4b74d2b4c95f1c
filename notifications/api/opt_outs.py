"""API views of opt-outs: list, add, and lift those that were added by staff."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.http import cursor_page
from lastmile.core.openapi import page_of
from lastmile.core.phones import e164
from lastmile.core.refusals import unknown
from notifications.api import shapes
from notifications.catalogue.kinds import CONTACT_OF_CHANNEL, ContactKind
from notifications.errors import OptOutIsTheirs
from notifications.models import ContactChannel, Message
from notifications.services.contacts import contact_of, opt_in, opt_out
from tenants.permissions import Act, Principal, RetailerAPIView

ORDER = ("-opted_out_at", "contact__public_id", "channel")
BY_STAFF = frozenset({"staff", "bounce"})


def opt_outs_of(principal: Principal) -> QuerySet[ContactChannel]:
    """Return the opt-outs that a caller may see.

    A caller limited to hubs sees those of people to whom a message about an order of these hubs
    was written.
    """
    rows = ContactChannel.objects.filter(opted_out_at__isnull=False).select_related("contact")
    if principal.hubs is None:
        return rows
    own = Message.objects.filter(
        contact=OuterRef("contact"), order__hub__public_id__in=principal.hubs
    )
    return rows.filter(Exists(own))


class OptOutsView(RetailerAPIView):
    """The list of opt-outs."""

    acts = {"get": Act.MESSAGES_VIEW, "post": Act.MESSAGES_SEND}

    @extend_schema(operation_id="opt_outs_list", responses=page_of(shapes.OptOutOut))
    def get(self, request: Request) -> Response:
        """List the contacts that opted out of a channel, newest first."""
        return cursor_page(request, opt_outs_of(self.principal), shapes.OptOutOut, order=ORDER)

    @extend_schema(
        operation_id="opt_outs_add",
        request=shapes.OptOutIn,
        responses={201: shapes.OptOutOut},
    )
    def post(self, request: Request) -> Response:
        """Stop all messages to a number or address on a channel. A second call changes nothing."""
        data = self.shape_in(shapes.OptOutIn)
        channel = data["channel"]
        kind = CONTACT_OF_CHANNEL[channel]
        contact = contact_of(kind, _address(kind, data["to"]))
        opt_out(contact=contact, channel=channel, by="staff")
        row = ContactChannel.objects.select_related("contact").get(
            contact=contact, channel=channel
        )  # fmt: skip
        return self.shape_out(shapes.OptOutOut, row, 201)


class OptOutView(RetailerAPIView):
    """The view of one opt-out."""

    acts = {"get": Act.MESSAGES_VIEW, "delete": Act.MESSAGES_SEND}

    @extend_schema(operation_id="opt_outs_get", responses=shapes.OptOutOut)
    def get(self, request: Request, ref: str) -> Response:
        """Return an opt-out."""
        return self.shape_out(shapes.OptOutOut, self._row(ref))

    @extend_schema(operation_id="opt_outs_lift", request=None, responses={204: None})
    def delete(self, request: Request, ref: str) -> Response:
        """Lift an opt-out that you added yourself, or that a bounce added.

        409 `opt_out_is_theirs` if the person opted out: only that person can opt in again.
        """
        row = self._row(ref)
        if row.opted_out_by not in BY_STAFF:
            raise OptOutIsTheirs(
                _("This person opted out. Only they can opt in again, for example with START.")
            )
        opt_in(contact=row.contact, channel=row.channel, by="staff")
        return Response(status=204)

    def _row(self, ref: str) -> ContactChannel:
        contact, _colon, channel = ref.partition(":")
        rows = opt_outs_of(self.principal)
        row = (
            None
            if "\x00" in ref
            else rows.filter(contact__public_id=contact, channel=channel).first()
        )
        if row is None:
            raise unknown()
        return row


def _address(kind: str, text: str) -> str:
    """Return a number in E.164, or an address. Raises Invalid with a pointer to the field."""
    try:
        if kind == ContactKind.PHONE:
            return e164(text)
        if "@" in text.strip("@"):
            return text.strip()
        detail = _("Write an e-mail address, such as ana@example.org.")
    except Invalid as refused:
        detail = refused.detail
    problem = FieldProblem("/to", detail)
    raise Invalid(_("Some values are not valid; see errors."), errors=[problem])
