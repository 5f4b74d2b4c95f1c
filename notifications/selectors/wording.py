"""Reads the texts of the moments: which are the retailer's own, and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from notifications.catalogue.kinds import ChannelKey, Moment
from notifications.catalogue.texts import PARTS, default_parts, languages_of
from notifications.models import MessageTemplate, TemplateVersion
from notifications.rendering.render import wording_of

#: Versions of a template that its page lists.
MOST_VERSIONS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TextState:
    """A text of a moment: its language and channel, and its version; 0 is the default."""

    language: str
    channel: str
    version: int
    is_own: bool


def texts_of(moment: Moment) -> list[TextState]:
    """Return the texts of a moment for each language and channel, in the order of the catalogue."""
    rows = {
        (row.language, row.channel): row
        for row in MessageTemplate.objects.filter(moment=moment.key)
    }
    states = []
    for language in languages_of(moment):
        for channel in moment.channels:
            if default_parts(moment.key, channel, language) is None:
                continue
            row = rows.get((language, channel))
            states.append(
                TextState(
                    language=language,
                    channel=channel,
                    version=row.version if row else 0,
                    is_own=row is not None and bool(row.parts),
                )
            )
    return states


def own_texts() -> Mapping[str, int]:
    """Return how many texts of each moment are the retailer's own."""
    counts: dict[str, int] = {}
    for moment, parts in MessageTemplate.objects.values_list("moment", "parts"):
        counts[moment] = counts.get(moment, 0) + bool(parts)
    return counts


def template_of(moment: Moment, language: str, channel: str) -> MessageTemplate | None:
    """Return the retailer's template of a text, also if it went back to the default."""
    return MessageTemplate.objects.filter(
        moment=moment.key, language=language, channel=channel
    ).first()


def versions_of(template: MessageTemplate | None) -> list[TemplateVersion]:
    """Return the last versions of a template, newest first."""
    if template is None:
        return []
    return list(template.versions.order_by("-version")[:MOST_VERSIONS])


def present_parts(moment: Moment, language: str, channel: str) -> dict[str, str]:
    """Return the words that are used now, with an empty text for each part without one."""
    wording = wording_of(moment.key, channel, language)
    parts = wording.parts if wording is not None else {}
    return {name: parts.get(name, "") for name in PARTS[ChannelKey(channel)]}
