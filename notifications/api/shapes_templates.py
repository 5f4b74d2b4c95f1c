"""API shapes of message templates."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from lastmile.core.http.fields import InstantField, ModelOut
from lastmile.core.openapi import example
from notifications.models import MessageTemplate

_MOST_PART = 25_000


def _texts(help_text: str, **kwargs: Any) -> serializers.DictField:
    child = serializers.CharField(max_length=_MOST_PART, allow_blank=True, trim_whitespace=False)
    return serializers.DictField(child=child, help_text=help_text, **kwargs)


def _parts(**kwargs: Any) -> serializers.DictField:
    return _texts(
        "ICU MessageFormat by part: `text` for SMS and WhatsApp, `subject` and `text` for push, "
        "`subject`, `preheader`, `body` and `button` for e-mail.",
        **kwargs,
    )


@example(parts={"text": "{shop}: your order is on its way. {link}"})
class MessageTemplateIn(serializers.Serializer[Any]):
    """Your own words for a moment."""

    parts = _parts()
    content_sid = serializers.CharField(
        max_length=64,
        required=False,
        allow_blank=True,
        help_text="Only WhatsApp: id of the approved template at the provider.",
    )
    content_variables = _texts(
        "Only WhatsApp: number of a variable of the approved template -> its text.",
        required=False,
    )


@example(
    moment="out_for_delivery",
    language="en",
    channel="sms",
    parts={"text": "{shop}: your order is on its way. {link}"},
    order="external_id:A-1001",
)
class MessageTemplatePreviewIn(MessageTemplateIn):
    """Words to try: nothing is stored and nothing is sent."""

    moment = serializers.CharField(max_length=40)
    language = serializers.CharField(max_length=16)
    channel = serializers.CharField(max_length=12)
    order = serializers.CharField(
        max_length=80,
        required=False,
        help_text="The order to read, by `id` or `external_id:…`; without it examples are used.",
    )


class MessageTemplateOut(ModelOut[MessageTemplate]):
    """The words for a moment, in one language and on one channel."""

    id = serializers.SerializerMethodField(help_text="Null until words of yours are saved.")
    ref = serializers.SerializerMethodField(help_text="`moment:language:channel`.")
    parts = _parts()
    content_variables = _texts("Only WhatsApp.")
    is_default = serializers.SerializerMethodField()
    updated_at = InstantField(allow_null=True)

    class Meta:
        model = MessageTemplate
        fields = (
            "id", "ref", "moment", "language", "channel", "parts", "is_default", "content_sid",
            "content_variables", "version", "updated_at",
        )  # fmt: skip
        read_only_fields = fields

    def get_id(self, row: MessageTemplate) -> str | None:
        """Return the id; null for words that were never saved."""
        return row.public_id if row.pk else None

    def get_ref(self, row: MessageTemplate) -> str:
        """Return the name of the template, which works before it has an id."""
        return f"{row.moment}:{row.language}:{row.channel}"

    def get_is_default(self, row: MessageTemplate) -> bool:
        """Return True if the default words of the catalogue are in use."""
        return bool(getattr(row, "is_default", False))


class MessageTemplateFaultOut(serializers.Serializer[Any]):
    """A fault in the words."""

    part = serializers.CharField()
    code = serializers.CharField()
    at = serializers.IntegerField(help_text="Index of the character.")
    detail = serializers.CharField()


class MessageTemplatePreviewOut(serializers.Serializer[Any]):
    """The words as a reader would get them."""

    parts = serializers.DictField(child=serializers.CharField(allow_blank=True))
    segments = serializers.IntegerField(allow_null=True, help_text="Only SMS.")
    alphabet = serializers.CharField(allow_blank=True, help_text="`GSM-7` or `UCS-2`; only SMS.")
    costly = serializers.ListField(
        child=serializers.CharField(), help_text="Characters that force the alphabet UCS-2."
    )
    faults = MessageTemplateFaultOut(many=True)
