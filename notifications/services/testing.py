"""Sends a text that somebody is editing to that person, as a message of the ledger."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from dispatch.orders.models import Order
from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.phones import e164, region_of
from lastmile.core.tenancy import current_retailer
from notifications.catalogue.kinds import CONTACT_OF_CHANNEL, ChannelKey, ContactKind
from notifications.channels.base import AccountCheck, ChannelError, Outgoing
from notifications.channels.registry import channel_of
from notifications.channels.webpush.encryption import BadSubscription
from notifications.channels.webpush.subscriptions import read_subscription
from notifications.models import ChannelAccount, Message
from notifications.selectors.previews import TemplateDraft, preview_of
from notifications.services.auditing import audit_sending, is_first_use
from notifications.services.contacts import contact_of
from notifications.services.telling import send_text
from notifications.services.template_faults import sentence_of

LONGEST_KEY = 36
PUSH_TEST_S = 600


@transaction.atomic
def send_test(*, draft: TemplateDraft, order: Order | None, to: str, key: str) -> Message:
    """Send a draft as typed to an address; the same key is the same message.

    The message has an example in place of the secret link and of the code. It goes through the
    rules and budgets of all messages.

    Locks: nothing. Records: an audit entry. Raises: Invalid for a fault or an address; NotSendable
    with the rule's sentence.
    """
    kind = CONTACT_OF_CHANNEL[ChannelKey(draft.channel)]
    address = _address(kind, to)
    preview = preview_of(draft, order)
    if preview.faults:
        fault = preview.faults[0]
        raise Invalid(sentence_of(fault, draft.parts.get(fault.part, "")))
    key = key[:LONGEST_KEY] or "test"
    is_new = is_first_use(key)
    message = send_text(
        order=None,
        contact=contact_of(kind, address, language=draft.language),
        channel=draft.channel,
        text=preview.parts.get("body") or preview.parts["text"],
        subject=preview.parts.get("subject", ""),
        key=key,
        heeds_quiet=False,
    )
    if is_new:
        audit_sending("message.tested", subject=message.public_id, message=message)
    return message


def send_push_test(*, account: ChannelAccount, text: str) -> tuple[AccountCheck, str]:
    """Send a test to the browser with this subscription; return the answer and the push service.

    Nothing is stored of the browser, so the test is no message of the ledger. Call it outside a
    transaction: it waits for the push service.

    Locks: nothing. Records: nothing. Raises: nothing; a wrong subscription is an answer too.
    """
    try:
        host = urlsplit(read_subscription(text).endpoint).hostname or ""
    except BadSubscription:
        return AccountCheck(ok=False, code="bad_subscription"), ""
    outgoing = Outgoing(
        message="test",
        call=1,
        to=text,
        text=_("This is a test. Push messages of your orders look like this."),
        expires_in_s=PUSH_TEST_S,
        language=get_language() or "en",
    )
    try:
        channel_of(account, for_test=True).send(outgoing)
    except ChannelError as refused:
        return AccountCheck(ok=False, code=refused.code, words=refused.words), host
    return AccountCheck(ok=True), host


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
