"""Sends a text that somebody is editing to that person, through the real channel."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from dispatch.orders.models import Order
from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.phones import e164, region_of
from lastmile.core.tenancy import current_retailer
from notifications.catalogue.kinds import CONTACT_OF_CHANNEL, ChannelKey, ContactKind
from notifications.models import Message
from notifications.selectors.previews import TemplateDraft, preview_of
from notifications.services.contacts import contact_of
from notifications.services.telling import send_text
from notifications.services.template_faults import sentence_of

LONGEST_KEY = 36


def send_test(*, draft: TemplateDraft, order: Order | None, to: str, key: str) -> Message:
    """Send a draft as typed to an address; the same key is the same message.

    The message has an example in place of the secret link and of the code. It goes through the
    rules and budgets of all messages.
    Locks: nothing. Records: nothing. Raises: Invalid for a fault or an address; NotSendable with
    the rule's sentence.
    """
    kind = CONTACT_OF_CHANNEL[ChannelKey(draft.channel)]
    address = _address(kind, to)
    preview = preview_of(draft, order)
    if preview.faults:
        fault = preview.faults[0]
        raise Invalid(sentence_of(fault, draft.parts.get(fault.part, "")))
    return send_text(
        order=None,
        contact=contact_of(kind, address, language=draft.language),
        channel=draft.channel,
        text=preview.parts.get("body") or preview.parts["text"],
        subject=preview.parts.get("subject", ""),
        key=key[:LONGEST_KEY] or "test",
        heeds_quiet=False,
    )


def _address(kind: str, to: str) -> str:
    """Return the address of a test in its stored form. Raises Invalid."""
    try:
        if kind == ContactKind.PHONE:
            return e164(to, region_of(current_retailer().zone))
        if kind == ContactKind.EMAIL:
            validate_email(to.strip())
            return to.strip()
    except Invalid as fault:
        detail = str(fault.detail)
    except ValidationError:
        detail = _("This is not an e-mail address. Write it as name@example.org.")
    else:
        detail = _("A push message cannot be tested here.")
    raise Invalid(detail, errors=[FieldProblem("/test_to", detail)])
