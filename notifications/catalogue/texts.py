"""The default texts of the moments: JSON files, one for each moment and language.

Each file has the parts of its channels: ``{"sms": {"text": …}, "email": {"subject": …, …}}``.
WhatsApp has the text of SMS unless the file has one of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

from django.conf import settings

from notifications.catalogue.kinds import ChannelKey, Moment
from notifications.catalogue.moments import FOR_MEMBERS

Parts = Mapping[str, str]
#: Channel -> the parts of its templates, in the order of reading.
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    ChannelKey.SMS: ("text",),
    ChannelKey.WHATSAPP: ("text",),
    ChannelKey.PUSH: ("subject", "text"),
    ChannelKey.EMAIL: ("subject", "preheader", "body", "button"),
}
#: Parts that a template may leave empty.
OPTIONAL_PARTS: Final = frozenset({"preheader", "button"})


def languages_of(moment: Moment) -> tuple[str, ...]:
    """Return the languages in which a moment is written: of shoppers, or of members."""
    known = settings.LANGUAGES if moment.group in FOR_MEMBERS else settings.SHOPPER_LANGUAGES
    return tuple(code for code, _name in known)


def default_parts(moment: str, channel: str, language: str) -> Parts | None:
    """Return the default texts of a moment, or None if the channel has none."""
    texts = _file(moment, language)
    if channel == ChannelKey.WHATSAPP and channel not in texts:
        channel = ChannelKey.SMS
    return texts.get(channel)


@cache
def _file(moment: str, language: str) -> Mapping[str, Parts]:
    file = resources.files("notifications.catalogue") / "defaults" / language / f"{moment}.json"
    if not file.is_file():
        return {}
    texts: Mapping[str, Parts] = json.loads(file.read_text(encoding="utf-8"))
    return texts
