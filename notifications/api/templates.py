"""API views of message templates: the retailer's own words, the defaults, and a preview."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.orders.selectors import orders_of
from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.http import cursor_page, etag, expected_version, named_in_body
from lastmile.core.openapi import IF_MATCH, page_of
from lastmile.core.refusals import unknown
from notifications.api import shapes_templates as shapes
from notifications.catalogue.moments import BY_KEY
from notifications.catalogue.texts import default_parts, languages_of
from notifications.models import MessageTemplate
from notifications.selectors.previews import Preview, TemplateDraft, preview_of
from notifications.services.template_faults import sentence_of
from notifications.services.templates import restore_default, save_template
from tenants.permissions import Act, RetailerAPIView


class MessageTemplatesView(RetailerAPIView):
    """The list of message templates."""

    acts = {"get": Act.MESSAGES_VIEW}

    @extend_schema(
        operation_id="message_templates_list", responses=page_of(shapes.MessageTemplateOut)
    )
    def get(self, request: Request) -> Response:
        """List your own words, newest first. A moment that is not listed has its default words."""
        rows = MessageTemplate.objects.all()
        order = ("-created_at", "public_id")
        return cursor_page(request, rows, shapes.MessageTemplateOut, order=order)


class MessageTemplateView(RetailerAPIView):
    """The view of one message template."""

    acts = {"get": Act.MESSAGES_VIEW, "put": Act.TEMPLATES_EDIT, "delete": Act.TEMPLATES_EDIT}

    @extend_schema(operation_id="message_templates_get", responses=shapes.MessageTemplateOut)
    def get(self, request: Request, ref: str) -> Response:
        """Return the words of a template, by its id or as `moment:language:channel`."""
        return self._show(_template(ref))

    @extend_schema(
        operation_id="message_templates_save",
        request=shapes.MessageTemplateIn,
        responses=shapes.MessageTemplateOut,
        parameters=[IF_MATCH],
    )
    def put(self, request: Request, ref: str) -> Response:
        """Save your own words. Each fault is named with its part; 412 if somebody was faster."""
        row = _template(ref)
        data = self.shape_in(shapes.MessageTemplateIn)
        saved = save_template(draft=_draft(row, data), version=self._version(row))
        return self._show(saved)

    @extend_schema(
        operation_id="message_templates_restore",
        request=None,
        responses=shapes.MessageTemplateOut,
        parameters=[IF_MATCH],
    )
    def delete(self, request: Request, ref: str) -> Response:
        """Go back to the default words."""
        row = _template(ref)
        saved = restore_default(
            moment=BY_KEY[row.moment],
            language=row.language,
            channel=row.channel,
            version=self._version(row),
        )
        return self._show(saved)

    def _version(self, row: MessageTemplate) -> int:
        version = expected_version(self.request)
        return row.version if version is None else version

    def _show(self, row: MessageTemplate) -> Response:
        is_default = not row.parts
        if is_default:
            row.parts = dict(default_parts(row.moment, row.channel, row.language) or {})
        row.is_default = is_default  # type: ignore[attr-defined]
        return self.shape_out(shapes.MessageTemplateOut, row, ETag=etag(row))


class MessageTemplatePreviewView(RetailerAPIView):
    """Trying the words of a message template."""

    acts = {"post": Act.MESSAGES_VIEW}

    @extend_schema(
        operation_id="message_templates_preview",
        request=shapes.MessageTemplatePreviewIn,
        responses=shapes.MessageTemplatePreviewOut,
    )
    def post(self, request: Request) -> Response:
        """Return the words as the shopper of an order would read them, with their segments."""
        data = self.shape_in(shapes.MessageTemplatePreviewIn)
        row = _named(data["moment"], data["language"], data["channel"])
        if row is None:
            problem = FieldProblem("/moment", _("There are no such words to change."))
            raise Invalid(_("Some values are not valid; see errors."), errors=[problem])
        order = None
        if data.get("order"):
            order = named_in_body(orders_of(self.principal), data["order"], "order")
        draft = _draft(row, data)
        return self.shape_out(
            shapes.MessageTemplatePreviewOut, _picture(draft, preview_of(draft, order))
        )


def _template(ref: str) -> MessageTemplate:
    """Return a template by its id or its name; one without own words is not stored yet.

    Raises NotFound.
    """
    if ":" in ref:
        row = _named(*ref.split(":", 2)) if ref.count(":") == 2 else None
    else:
        rows = MessageTemplate.objects.all()
        row = None if "\x00" in ref else rows.filter(public_id=ref).first()
    if row is None:
        raise unknown()
    return row


def _named(moment: str, language: str, channel: str) -> MessageTemplate | None:
    """Return the template of a moment, stored or not; None if the moment has no such words."""
    known = BY_KEY.get(moment)
    if known is None or language not in languages_of(known):
        return None
    if default_parts(moment, channel, language) is None:
        return None
    key = {"moment": moment, "language": language, "channel": channel}
    stored = MessageTemplate.objects.filter(**key).first()
    return stored or MessageTemplate(**key, version=0)


def _draft(row: MessageTemplate, data: dict[str, Any]) -> TemplateDraft:
    return TemplateDraft(
        moment=BY_KEY[row.moment],
        language=row.language,
        channel=row.channel,
        parts=data["parts"],
        content_sid=data.get("content_sid", ""),
        content_variables=data.get("content_variables", {}),
    )


def _picture(draft: TemplateDraft, preview: Preview) -> dict[str, Any]:
    length = preview.length
    return {
        "parts": preview.parts,
        "segments": length.segments if length else None,
        "alphabet": length.alphabet if length else "",
        "costly": [sign for sign, _name in preview.costly],
        "faults": [
            {
                "part": fault.part,
                "code": fault.code,
                "at": fault.at,
                "detail": sentence_of(fault, draft.parts.get(fault.part, "")),
            }
            for fault in preview.faults
        ],
    }
