"""Shows a message template as a reader would get it: on a real order, or with example values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.urls import reverse

from dispatch.orders.models import Order
from dispatch.orders.wording import failure_reason, zone_of
from lastmile.core import clock, formatting
from lastmile.core.tenancy import current_retailer
from notifications.catalogue.kinds import ChannelKey, Moment
from notifications.catalogue.texts import PARTS
from notifications.channels.registry import account_for
from notifications.channels.twilio_credentials import is_one_way
from notifications.rendering.checking import PartFault, faults_of, longest_values
from notifications.rendering.facts import Scene
from notifications.rendering.mail import Letter, html_of
from notifications.rendering.render import Wording, fill, filled_parts, reading_as
from notifications.rendering.rendered import CODE_MARK, LINK_MARK, OPT_OUT_MARK
from notifications.rendering.stop_lines import can_be_stopped, mail_line, with_stop_line
from notifications.wording import folding, icu, segments
from tenants.links import absolute

#: An example of the secret of a link, as long as a real one.
_A_SECRET: Final = "example-" * 4
_A_CODE: Final = "428317"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDraft:
    """The words of a template as typed: its parts, and a template that the provider keeps."""

    moment: Moment
    channel: str
    language: str
    parts: Mapping[str, str]
    content_sid: str = ""
    content_variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A template as its reader gets it, and what a text message of it costs.

    ``html`` is the HTML part of an e-mail.
    ``longest`` is the length with the longest values of all variables. ``costly`` are the
    characters that force the expensive alphabet, each with its name. ``cheaper`` are the parts
    with plain characters, if that makes the message cheaper. With faults nothing else is set.
    """

    faults: tuple[PartFault, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    html: str = ""
    length: segments.Length | None = None
    longest: segments.Length | None = None
    costly: tuple[tuple[str, str], ...] = ()
    cheaper: Mapping[str, str] = field(default_factory=dict)
    cheaper_length: segments.Length | None = None


def preview_of(draft: TemplateDraft, order: Order | None) -> Preview:
    """Return a draft as the shopper of an order would read it now.

    Without an order, or for a message to staff, the example of each variable is shown.
    """
    faults = faults_of(draft.moment, draft.channel, draft.parts)
    if faults:
        return Preview(faults=tuple(faults))
    parts = _read(draft, order)
    if draft.channel == ChannelKey.EMAIL:
        return Preview(parts=parts, html=_html(draft, parts))
    if draft.channel != ChannelKey.SMS:
        return Preview(parts=parts)
    length = segments.count(parts["text"])
    named = tuple((sign, segments.name_of(sign)) for sign in length.costly)
    cheaper, cheaper_length = _cheaper(draft, order, length)
    return Preview(
        parts=parts,
        length=length,
        longest=_longest(draft, length),
        costly=named,
        cheaper=cheaper,
        cheaper_length=cheaper_length,
    )


def _longest(draft: TemplateDraft, length: segments.Length) -> segments.Length:
    """Return the length with the longest values, in the alphabet that this order's values need.

    The longest values are of the cheap alphabet. A shop whose name has an í never gets it.
    """
    text = icu.longest(icu.parse(draft.parts["text"]), longest_values(draft.moment))
    text = _shown(_with_stop_line(draft, text))
    return segments.count(text[:-1] + length.costly[0] if length.costly else text)


def _read(draft: TemplateDraft, order: Order | None) -> dict[str, str]:
    """Return the parts of a draft as its reader gets them; no link of the order is made."""
    parts = _read_parts(draft, order)
    if draft.channel == ChannelKey.SMS:
        parts["text"] = _with_stop_line(draft, parts["text"])
    return {name: _shown(text) for name, text in parts.items()}


def _with_stop_line(draft: TemplateDraft, text: str) -> str:
    """Return a text with the line that it gets if the sender cannot receive replies."""
    account = account_for(draft.channel)
    is_added = account is not None and is_one_way(account) and can_be_stopped(draft.moment)
    return with_stop_line(draft.channel, text, draft.language) if is_added else text


def _read_parts(draft: TemplateDraft, order: Order | None) -> dict[str, str]:
    if order is None or not _is_about_orders(draft.moment):
        return _read_examples(draft)
    scene = Scene(
        moment=draft.moment,
        channel=draft.channel,
        language=draft.language,
        zone=zone_of(order),
        order=order,
    )
    wording = Wording(parts={name: draft.parts.get(name, "") for name in PARTS[draft.channel]})
    return filled_parts(scene, wording)[0]


def _html(draft: TemplateDraft, parts: Mapping[str, str]) -> str:
    """Return the HTML part of an e-mail with an example of the link."""
    target = absolute(reverse("home:start")) if "page" in draft.moment.variables else _a_link()
    letter = Letter(
        subject=parts.get("subject", ""),
        preheader=parts.get("preheader", ""),
        body=parts.get("body", ""),
        button=parts.get("button", ""),
        target=target,
        language=draft.language,
        stop=mail_line(draft.language, _a_link()) if can_be_stopped(draft.moment) else None,
    )
    return html_of(letter)


def _read_examples(draft: TemplateDraft) -> dict[str, str]:
    values = {name: variable.example for name, variable in draft.moment.variables.items()}
    marks = {"link": LINK_MARK, "opt_out_link": OPT_OUT_MARK}
    values |= {name: mark for name, mark in marks.items() if name in values}
    if "page" in values:
        values["page"] = absolute(reverse("home:start"))
    if "shop" in values:
        values["shop"] = current_retailer().shop_name
    with reading_as(draft.language, current_retailer().zone):
        values |= {name: text for name, text in _local_examples().items() if name in values}
        return {name: fill(draft.parts.get(name, ""), values) for name in PARTS[draft.channel]}


def _local_examples() -> dict[str, str]:
    """Return examples that readers see in the form of their language."""
    day = clock.local_date(clock.now(), current_retailer().zone) + dt.timedelta(days=3)
    hours = {"window_from": 14, "window_to": 16, "planned_from": 14, "planned_to": 15}
    return {
        "day": formatting.named_day(day),
        "reason": failure_reason("not_home"),
        **{name: formatting.time(dt.time(hour)) for name, hour in hours.items()},
    }


def _cheaper(
    draft: TemplateDraft, order: Order | None, length: segments.Length
) -> tuple[dict[str, str], segments.Length | None]:
    """Return the parts with plain characters, if the message then has fewer segments."""
    if not length.costly:
        return {}, None
    plain = {name: folding.fold(text) for name, text in draft.parts.items()}
    if plain == dict(draft.parts):
        return {}, None
    other = TemplateDraft(
        moment=draft.moment, channel=draft.channel, language=draft.language, parts=plain
    )
    plain_length = segments.count(_read(other, order)["text"])
    if plain_length.segments >= length.segments:
        return {}, None
    return plain, plain_length


def _is_about_orders(moment: Moment) -> bool:
    return "page" not in moment.variables


def _shown(text: str) -> str:
    """Return a rendered text with an example in place of the secret links and of the code."""
    text = text.replace(OPT_OUT_MARK, absolute(f"{settings.OPT_OUT_PATH}{_A_SECRET}/"))
    return text.replace(LINK_MARK, _a_link()).replace(CODE_MARK, _A_CODE)


def _a_link() -> str:
    return absolute(f"{settings.SHOPPER_PATH}{_A_SECRET}/")
