"""The message as it goes to the provider: the stored words with link and code put in.

The link and the code are never stored with the words. The sender and the look-up both put them in
again here, so the look-up asks for exactly the bytes that were sent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dispatch.orders.links import shopper_link
from dispatch.orders.models import Order
from notifications.channels.base import Outgoing
from notifications.channels.twilio_credentials import report_url
from notifications.links import opt_out_link
from notifications.models import Contact, Message
from notifications.rendering.rendered import CODE_MARK, LINK_MARK, OPT_OUT_MARK, Rendered
from notifications.services.headers import headers_of
from notifications.services.pointing import real_seconds

RTL_LANGUAGES: Final = frozenset({"ar", "fa", "he", "ur"})


def outgoing_of(message: Message, rendered: Rendered, *, call: int) -> Outgoing:
    """Return a rendered message as it goes to the provider."""
    put = _Filler(message.order, message.secret or "", message.contact)
    content = rendered.content
    if content is not None:
        variables = {name: put(value) for name, value in content.variables.items()}
        content = replace(content, variables=variables)
    return Outgoing(
        message=message.public_id,
        call=call,
        to=message.contact.address if message.contact is not None else "",
        text=put(rendered.text),
        subject=put(rendered.subject),
        html=put(rendered.html),
        content=content,
        report_url=_report_url(message, call),
        expires_in_s=max(1, round(real_seconds(message.not_after))),
        topic=message.order.public_id if message.order is not None else message.public_id,
        headers=headers_of(message),
        language=message.language,
        rtl=message.language in RTL_LANGUAGES,
    )


def outgoing_again(message: Message) -> Outgoing:
    """Return a message as its last call sent it, from the stored words, for a look-up."""
    stored = Rendered(text=message.text, subject=message.subject)
    return outgoing_of(message, stored, call=message.calls)


def _report_url(message: Message, call: int) -> str:
    if message.account is None:
        return ""
    return report_url(message.account, message=message.public_id, call=call)


class _Filler:
    """Puts links and code into texts; the link of the order is made at its first use."""

    def __init__(self, order: Order | None, secret: str, contact: Contact | None) -> None:
        self.order = order
        self.secret = secret
        self.contact = contact
        self.link = ""

    def __call__(self, text: str) -> str:
        if LINK_MARK in text and self.order is not None:
            self.link = self.link or shopper_link(self.order)
            text = text.replace(LINK_MARK, self.link)
        if OPT_OUT_MARK in text and self.contact is not None:
            text = text.replace(OPT_OUT_MARK, opt_out_link(self.contact))
        return text.replace(CODE_MARK, self.secret)
