"""API shapes of messages and opt-outs."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from lastmile.core.http.fields import InstantField, ModelOut, text
from lastmile.core.openapi import example
from notifications.catalogue.kinds import ChannelKey
from notifications.models import ContactChannel, Message, ProviderCall, ProviderReport
from notifications.selectors.words import shown_text, why
from notifications.services.by_hand import MOST_TEXT

CHANNELS = [key.value for key in ChannelKey]


@example(order="external_id:A-1001", text="Your parcel waits at the shop.", channel="sms")
class MessageIn(serializers.Serializer[Any]):
    """A message to send: your own words, or a moment of the catalogue."""

    order = serializers.CharField(
        max_length=80, help_text="The order's `id`, or `external_id:` and your own ID."
    )
    moment = serializers.CharField(
        required=False,
        max_length=40,
        help_text="Key of a moment that is true of the order now, such as `out_for_delivery`. "
        "Give `moment` or `text`.",
    )
    text = text(
        MOST_TEXT, required=False, help_text="Your own words, sent unchanged, to the shopper."
    )
    channel = serializers.ChoiceField(
        choices=CHANNELS,
        required=False,
        help_text="Channel of your own words; without it the first that can be used.",
    )


class ProviderCallOut(ModelOut[ProviderCall]):
    """A call to the provider."""

    class Meta:
        model = ProviderCall
        fields = ("number", "started_at", "ended_at", "result", "code", "words")
        read_only_fields = fields


class ProviderReportOut(ModelOut[ProviderReport]):
    """A later report of the provider."""

    class Meta:
        model = ProviderReport
        fields = ("state", "code", "received_at", "source")
        read_only_fields = fields


class MessageOut(ModelOut[Message]):
    """A message of the ledger. Links and codes in its words are masked."""

    id = serializers.CharField(source="public_id", read_only=True)
    order = serializers.CharField(source="order.public_id", default=None, read_only=True)
    contact = serializers.CharField(source="contact.public_id", default=None, read_only=True)
    to = serializers.CharField(
        source="contact.address", default="", read_only=True,
        help_text="Phone number or e-mail address; empty for a push message.",
    )  # fmt: skip
    hub = serializers.CharField(source="order.hub.public_id", default=None, read_only=True)
    follows = serializers.CharField(
        source="follows.public_id", default=None, read_only=True,
        help_text="The message on another channel that failed before this one.",
    )  # fmt: skip
    why = serializers.SerializerMethodField()
    subject = serializers.SerializerMethodField()
    text = serializers.SerializerMethodField()
    made_at = InstantField()
    send_at = InstantField(help_text="The time from which it may be sent.")
    not_after = InstantField(help_text="The time after which it is of no use, and never sent.")
    price_micros = serializers.IntegerField(
        allow_null=True, help_text="Price in millionths of `currency`; null while it is unknown."
    )

    class Meta:
        model = Message
        fields: tuple[str, ...] = (
            "id", "moment", "recipient", "channel", "contact", "to", "order", "hub", "language",
            "state", "reason", "reason_params", "why", "subject", "text", "made_at", "send_at",
            "not_after", "accepted_at", "ended_at", "calls", "segments", "price_micros",
            "currency", "provider_id", "follows",
        )  # fmt: skip
        read_only_fields = fields

    def get_why(self, message: Message) -> str:
        """Return why it was not sent or did not arrive, in the reader's language; else empty."""
        return why(message)

    def get_subject(self, message: Message) -> str:
        """Return the subject of an e-mail as sent."""
        return shown_text(message.subject)

    def get_text(self, message: Message) -> str:
        """Return the words as sent, with `(link)` and dots for link and code."""
        return shown_text(message.text)

    def to_representation(self, message: Message) -> dict[str, Any]:
        """Return the message, without the address of a push subscription."""
        shown: dict[str, Any] = super().to_representation(message)
        if message.channel == ChannelKey.PUSH:
            shown["to"] = ""
        return shown


class MessageDetailOut(MessageOut):
    """A message with its calls to the provider and the provider's reports."""

    provider_calls = serializers.SerializerMethodField()
    reports = serializers.SerializerMethodField()

    class Meta(MessageOut.Meta):
        fields = (*MessageOut.Meta.fields, "provider_calls", "reports")
        read_only_fields = fields

    @extend_schema_field(ProviderCallOut(many=True))
    def get_provider_calls(self, message: Message) -> Any:
        """Return the calls to the provider, the first one first."""
        rows = message.provider_calls.order_by("number")
        return ProviderCallOut(rows, many=True, context=self.context).data

    @extend_schema_field(ProviderReportOut(many=True))
    def get_reports(self, message: Message) -> Any:
        """Return what the provider reported, the oldest first."""
        rows = message.reports.order_by("received_at", "pk")
        return ProviderReportOut(rows, many=True, context=self.context).data


@example(to="+351912345678", channel="sms")
class OptOutIn(serializers.Serializer[Any]):
    """A number or address that gets nothing more on a channel."""

    to = serializers.CharField(
        max_length=254, help_text="Phone number with + and country code, or e-mail address."
    )
    channel = serializers.ChoiceField(choices=[key for key in CHANNELS if key != ChannelKey.PUSH])


class OptOutOut(serializers.Serializer[ContactChannel]):
    """A contact that opted out of a channel."""

    id = serializers.SerializerMethodField()
    contact = serializers.CharField(source="contact.public_id")
    to = serializers.CharField(source="contact.address")
    channel = serializers.CharField()
    opted_out_at = InstantField()
    by = serializers.CharField(
        source="opted_out_by",
        help_text="`word`, `provider`, `page`, `one_click`, `staff` or `bounce`.",
    )

    def get_id(self, row: ContactChannel) -> str:
        """Return the id of the opt-out: contact and channel."""
        return f"{row.contact.public_id}:{row.channel}"
