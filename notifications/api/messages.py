"""API views of messages: list, send, read, send again."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.orders.selectors import orders_of
from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.http import cursor_page, fetch, id_param, named_in_body, params
from lastmile.core.openapi import page_of
from notifications.api import shapes
from notifications.models import Message
from notifications.reasons import REASONS
from notifications.selectors import ledger
from notifications.services import retry
from notifications.services.by_hand import send_moment, send_own_words
from notifications.states import MessageState
from tenants.permissions import Act, RetailerAPIView

_STATES = frozenset(state.value for state in MessageState)
_CHANNELS = frozenset(shapes.CHANNELS)
_FILTERS = [
    OpenApiParameter(
        "order", OpenApiTypes.STR, description="The order's `id`, or `external_id:…`."
    ),
    OpenApiParameter(
        "state", OpenApiTypes.STR, description="One or more states, separated by commas."
    ),
    OpenApiParameter("reason", OpenApiTypes.STR, description="Name of the rule or failure."),
    OpenApiParameter("channel", OpenApiTypes.STR, description="sms, whatsapp, email or push."),
    OpenApiParameter("moment", OpenApiTypes.STR, description="Key of the moment."),
    OpenApiParameter("since", OpenApiTypes.DATE, description="First day, in your time zone."),
    OpenApiParameter("until", OpenApiTypes.DATE, description="Last day, in your time zone."),
]


class _MessageView(RetailerAPIView):
    """The base of the views of messages."""

    def messages(self) -> QuerySet[Message]:
        """Return the messages that the caller may see, with their words."""
        rows = ledger.messages_of(self.principal).defer("secret")
        return rows.select_related("order__shopper", "order__hub", "contact", "follows")

    def detail(self, public_id: str, status: int = 200, **headers: str) -> Response:
        """Return a message with its calls and reports."""
        row = fetch(self.messages(), public_id)
        return self.shape_out(shapes.MessageDetailOut, row, status, **headers)


class MessagesView(_MessageView):
    """The list of messages."""

    acts = {"get": Act.MESSAGES_VIEW, "post": Act.MESSAGES_SEND}

    @extend_schema(
        operation_id="messages_list",
        responses=page_of(shapes.MessageOut),
        parameters=_FILTERS,
    )
    def get(self, request: Request) -> Response:
        """List messages, newest first: what was said to whom, and why or why not."""
        query = request.query_params
        channel = params.words_param(request, "channel", _CHANNELS, 1)
        reason = params.words_param(request, "reason", frozenset(REASONS), 1)
        filters = ledger.MessageFilter(
            order=id_param(request, "order", orders_of(self.principal)),
            states=params.words_param(request, "state", _STATES),
            reason="".join(reason),
            channel="".join(channel),
            moment=query.get("moment", "")[:40].replace("\x00", ""),
            since=params.date_param(request, "since"),
            until=params.date_param(request, "until"),
        )
        rows = ledger.filter_messages(self.messages(), filters)
        return cursor_page(request, rows, shapes.MessageOut, order=ledger.NEWEST)

    @extend_schema(
        operation_id="messages_send",
        request=shapes.MessageIn,
        responses={201: shapes.MessageDetailOut},
    )
    def post(self, request: Request) -> Response:
        """Send the shopper of an order your own words, or a moment that is true now.

        All rules apply: a message that a rule stops is listed as `skipped`, with its `reason`.
        If nothing can be sent at all, 409 `message_not_sendable` says why.
        """
        data = self.shape_in(shapes.MessageIn)
        order = named_in_body(orders_of(self.principal), data["order"], "order")
        words, moment = data.get("text", ""), data.get("moment", "")
        if bool(words) == bool(moment):
            problem = FieldProblem("/text", _("Give text or moment, and not both."))
            raise Invalid(_("Some values are not valid; see errors."), errors=[problem])
        if moment and data.get("channel"):
            problem = FieldProblem("/channel", _("A moment uses the channels that you have set."))
            raise Invalid(_("Some values are not valid; see errors."), errors=[problem])
        key = uuid.uuid4().hex
        if moment:
            row = send_moment(order=order, moment=moment, key=key)
        else:
            row = send_own_words(
                order=order, text=words, key=key, channel=data.get("channel", "")
            )  # fmt: skip
        return self.detail(row.public_id, 201, Location=f"{request.path}{row.public_id}/")


class MessageView(_MessageView):
    """The view of one message."""

    acts = {"get": Act.MESSAGES_VIEW}

    @extend_schema(operation_id="messages_get", responses=shapes.MessageDetailOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a message with its calls to the provider and the provider's reports."""
        return self.detail(public_id)


class RetryMessageView(_MessageView):
    """Sending a message again."""

    acts = {"post": Act.MESSAGES_SEND}

    @extend_schema(
        operation_id="messages_retry", request=None, responses={201: shapes.MessageDetailOut}
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Send a failed, skipped or unknown message again, as a new message.

        409 `message_not_retryable` if it is in another state, or if it is too late for it.
        """
        row = fetch(ledger.messages_of(self.principal), public_id)
        again = retry(message=row, key=uuid.uuid4().hex)
        return self.detail(again.public_id, 201)
