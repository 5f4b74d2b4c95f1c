"""Renders a message: the words of its template with the values of its order.

The result has marks in place of the link and the code, so that it can be stored. The segments are
counted with the true link.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from django.utils import timezone, translation
from icu4py.messageformat import MessageFormat

from dispatch.orders.links import shopper_link
from dispatch.orders.models import Order
from dispatch.planning.arrival import ArrivalRange
from lastmile.core import clock, formatting
from lastmile.core.tenancy import current_retailer
from notifications.catalogue.kinds import ChannelKey
from notifications.catalogue.moments import BY_KEY
from notifications.catalogue.texts import Parts, default_parts
from notifications.channels.base import ContentRef
from notifications.channels.twilio_credentials import is_one_way
from notifications.links import opt_out_link
from notifications.models import Contact, Message, MessageTemplate
from notifications.rendering.facts import EMPTY, Scene, Value, values_for
from notifications.rendering.mail import Letter, html_of
from notifications.rendering.rendered import CODE_MARK, LINK_MARK, OPT_OUT_MARK, Rendered
from notifications.rendering.stop_lines import (
    SEPARATOR,
    StopLine,
    can_be_stopped,
    mail_line,
    with_stop_line,
    without_stop_line,
)
from notifications.wording import icu, segments

#: A code as it will look, for counting.
_A_CODE: Final = "000000"
_EMPTY_AT_START: Final = re.compile(rf"^{EMPTY}[,;:]?[ ]*", re.MULTILINE)
_EMPTY_INSIDE: Final = re.compile(rf"[ ]?{EMPTY}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The patterns of a message and their version; version 0 is the default of the catalogue."""

    parts: Parts
    version: int = 0
    content_sid: str = ""
    content_variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The SHA-256 of everything that decides the words."""
        words = [dict(self.parts), self.content_sid, dict(self.content_variables)]
        plain = json.dumps(words, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(plain.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAhead:
    """Facts that were read for many messages at once: arrivals, and the words so far."""

    arrivals: Mapping[int, ArrivalRange | None] = field(default_factory=dict)
    wordings: dict[tuple[str, str, str], Wording | None] = field(default_factory=dict)

    def wording(self, moment: str, channel: str, language: str) -> Wording | None:
        """Return the words of a moment, which are read once."""
        key = (moment, channel, language)
        if key not in self.wordings:
            self.wordings[key] = wording_of(*key)
        return self.wordings[key]


def render(
    message: Message, order: Order | None, *, ahead: ReadAhead | None = None
) -> Rendered | None:
    """Return the words of a message about an order as it is now; None without a template.

    Language and zone are those of the message, so the person or task that caused it does not
    matter.
    """
    ahead = ahead or ReadAhead()
    moment = BY_KEY.get(message.moment)
    if moment is None:
        return None
    wording = ahead.wording(moment.key, message.channel, message.language)
    if wording is None:
        return None
    scene = Scene(
        moment=moment,
        channel=message.channel,
        language=message.language,
        zone=message.zone or current_retailer().zone,
        order=order,
        values=message.values,
        contact=message.contact,
        is_one_way=message.account is not None and is_one_way(message.account),
        arrivals=ahead.arrivals,
    )
    return render_scene(scene, wording)


def own_words(message: Message) -> Rendered:
    """Return a message in a member's own words; an e-mail has the retailer's layout.

    A message about an order ends with the way to stop messages, as those of the catalogue do.
    """
    html, text = "", without_stop_line(message.text)  # an earlier call may have added it
    stop = mail_line(message.language) if message.order is not None else None
    if message.channel == ChannelKey.EMAIL:
        letter = Letter(
            subject=message.subject,
            preheader="",
            body=text,
            button="",
            target="",
            language=message.language,
            stop=stop,
        )
        html = html_of(letter)
        text = _with_footer(text, stop)
    elif stop is not None and message.account is not None and is_one_way(message.account):
        text = with_stop_line(message.channel, text, message.language)
    full = with_link(message.order, text, message.contact)
    return Rendered(
        text=text,
        subject=message.subject,
        html=html,
        segments=paid_parts(message.channel, full),
    )


def wording_of(moment: str, channel: str, language: str) -> Wording | None:
    """Return the retailer's words for a moment, else the default; None if there are none."""
    row = MessageTemplate.objects.filter(moment=moment, channel=channel, language=language).first()
    if row is not None and row.parts:
        return Wording(
            parts=row.parts,
            version=row.version,
            content_sid=row.content_sid,
            content_variables=row.content_variables,
        )
    parts = default_parts(moment, channel, language)
    return Wording(parts=parts) if parts is not None else None


def render_scene(scene: Scene, wording: Wording) -> Rendered:
    """Return the words of a scene, with marks in place of the link and the code.

    The segments are counted with the true link, which is made if the order has none yet.
    """
    parts, content = filled_parts(scene, wording)
    if scene.channel == ChannelKey.EMAIL:
        rendered = _letter(scene, parts)
    else:
        text = parts.get("text", "")
        if scene.is_one_way and can_be_stopped(scene.moment):
            text = with_stop_line(scene.channel, text, scene.language)
        rendered = Rendered(text=text, subject=parts.get("subject", ""))
    return Rendered(
        text=rendered.text,
        subject=rendered.subject,
        html=rendered.html,
        content=content,
        segments=paid_parts(scene.channel, with_link(scene.order, rendered.text, scene.contact)),
        digest=wording.digest,
        version=wording.version,
    )


def filled_parts(scene: Scene, wording: Wording) -> tuple[dict[str, str], ContentRef | None]:
    """Return the parts of a scene with their values, and the variables of a content template."""
    patterns = [*wording.parts.values(), *wording.content_variables.values()]
    with reading_as(scene.language, scene.zone):
        names = frozenset[str]().union(*map(names_in, patterns))
        values = values_for(scene, sorted(names))
        parts = {part: fill(pattern, values) for part, pattern in wording.parts.items()}
        if not wording.content_sid:
            return parts, None
        numbered = {n: fill(pattern, values) for n, pattern in wording.content_variables.items()}
    return parts, ContentRef(sid=wording.content_sid, variables=numbered)


def _letter(scene: Scene, parts: Mapping[str, str]) -> Rendered:
    """Return an e-mail: its HTML, and its text twin with the address of the button."""
    with reading_as(scene.language, scene.zone):
        target = str(values_for(scene, ["page"])["page"]) if scene.order is None else LINK_MARK
    if not {"link", "page"} & scene.moment.variables.keys():
        target = ""
    button = parts.get("button", "") if target else ""
    lines = [parts.get("body", "")]
    if button:
        lines.append(f"{button}: {target}")
    letter = Letter(
        subject=" ".join(parts.get("subject", "").split()),
        preheader=parts.get("preheader", ""),
        body=parts.get("body", ""),
        button=button,
        target=target,
        language=scene.language,
        stop=mail_line(scene.language) if can_be_stopped(scene.moment) else None,
    )
    text = _with_footer("\n\n".join(lines), letter.stop)
    return Rendered(text=text, subject=letter.subject, html=html_of(letter))


def _with_footer(text: str, stop: StopLine | None) -> str:
    """Return the text twin of an e-mail with the line that stops e-mails."""
    return f"{text}{SEPARATOR}{stop.text}" if stop is not None else text


def paid_parts(channel: str, text: str) -> int:
    """Return the number of paid parts of a full text: segments of SMS, 1 for WhatsApp, else 0."""
    if channel == ChannelKey.WHATSAPP:
        return 1
    return segments.count(text).segments if channel == ChannelKey.SMS else 0


def with_link(order: Order | None, text: str, contact: Contact | None = None) -> str:
    """Return a text with the true links and zeros for the code, for counting."""
    if OPT_OUT_MARK in text and contact is not None:
        text = text.replace(OPT_OUT_MARK, opt_out_link(contact))
    if LINK_MARK in text and order is not None:
        text = text.replace(LINK_MARK, shopper_link(order))
    return text.replace(CODE_MARK, _A_CODE)


@contextmanager
def reading_as(language: str, zone: str) -> Iterator[None]:
    """Set the language and the time zone of a reader within a ``with`` block."""
    with translation.override(language), timezone.override(clock.zone(zone)):
        yield


def fill(pattern: str, values: Mapping[str, Value]) -> str:
    """Return a pattern with its values, in the active language. Spaces around nothing go."""
    formatter = _formatter(pattern, str(formatting.current_locale()))
    text: str = formatter.format(dict(values))
    text = _EMPTY_AT_START.sub("", text)
    return _EMPTY_INSIDE.sub("", text).strip()


@lru_cache(maxsize=1024)
def names_in(pattern: str) -> frozenset[str]:
    """Return the names of the variables of a valid pattern."""
    return frozenset(argument.name for argument in icu.arguments(icu.parse(pattern)))


@lru_cache(maxsize=1024)
def _formatter(pattern: str, locale: str) -> MessageFormat:
    return MessageFormat(pattern, locale)
