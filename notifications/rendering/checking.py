"""Checks the parts of a message template before they are saved: syntax, variables, lengths.

A fault has a code, the part, the position of the character, and the word that it is about.
``services.templates`` turns codes into sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from notifications.catalogue.kinds import ChannelKey, Moment
from notifications.catalogue.texts import OPTIONAL_PARTS, PARTS
from notifications.rendering.stop_lines import ROOM, can_be_stopped
from notifications.wording import icu

#: Longest rendered texts, in characters, by channel and part.
LONGEST: Final[Mapping[str, Mapping[str, int]]] = {
    ChannelKey.SMS: {"text": 1_600},
    ChannelKey.WHATSAPP: {"text": 1_600},
    ChannelKey.PUSH: {"subject": 200, "text": 800},
    ChannelKey.EMAIL: {"subject": 250, "preheader": 300, "body": 20_000, "button": 60},
}
#: Channel -> the part with the message itself.
MAIN_PART: Final[Mapping[str, str]] = {
    ChannelKey.SMS: "text",
    ChannelKey.WHATSAPP: "text",
    ChannelKey.PUSH: "text",
    ChannelKey.EMAIL: "body",
}
#: Links that an e-mail carries by its button.
_BY_BUTTON: Final = frozenset({"link", "page"})


@dataclass(frozen=True, slots=True)
class PartFault:
    """A fault of one part of a template. ``at`` is the index of the character."""

    part: str
    code: str
    at: int = 0
    word: str = ""


def faults_of(moment: Moment, channel: str, parts: Mapping[str, str]) -> list[PartFault]:
    """Return every fault of the parts of a template; an empty list if it can be saved."""
    faults: list[PartFault] = []
    written: set[str] = set()
    for part in PARTS[channel]:
        pattern = parts.get(part, "")
        if not pattern.strip():
            if part not in OPTIONAL_PARTS:
                faults.append(PartFault(part, "empty"))
            continue
        try:
            nodes = icu.parse(pattern)
        except icu.PatternFault as fault:
            faults.append(PartFault(part, fault.code, fault.at, fault.word))
            continue
        faults += _of_variables(moment, part, nodes)
        written |= icu.always(nodes)
        most = _most(moment, channel, part)
        if _longest(moment, nodes) > most:
            faults.append(PartFault(part, "longest", 0, str(most)))
    if channel == ChannelKey.EMAIL and parts.get("button", "").strip():
        written |= _BY_BUTTON
    faults += _missing(moment, channel, written)
    return faults


def _most(moment: Moment, channel: str, part: str) -> int:
    """Return how long a rendered text may be; a text message leaves room to stop it."""
    most = LONGEST[channel][part]
    return most - ROOM if channel == ChannelKey.SMS and can_be_stopped(moment) else most


def _missing(moment: Moment, channel: str, written: set[str]) -> Iterator[PartFault]:
    """Yield each needed variable that some case of the text leaves out.

    A push message opens the page when it is touched, so it needs no link.
    """
    for name, variable in moment.variables.items():
        is_opened = channel == ChannelKey.PUSH and name == "link"
        if variable.needed and name not in written and not is_opened:
            yield PartFault(MAIN_PART[channel], "needed", 0, name)


def _of_variables(moment: Moment, part: str, nodes: tuple[icu.Node, ...]) -> Iterator[PartFault]:
    """Yield the faults of variables: unknown names, and types that do not fit."""
    for argument in icu.arguments(nodes):
        variable = moment.variables.get(argument.name)
        if variable is None:
            yield PartFault(part, "unknown_variable", argument.at, argument.name)
            continue
        is_number = isinstance(variable.example, int)
        if argument.type in {"plural", "selectordinal", "number"} and not is_number:
            yield PartFault(part, "not_a_number", argument.at, argument.name)
        elif argument.type == "select" and is_number:
            yield PartFault(part, "not_a_word", argument.at, argument.name)
        elif argument.type == "select" and variable.choices:
            for selector, _inner in argument.branches:
                if selector not in {*variable.choices, "other"}:
                    yield PartFault(part, "unknown_choice", argument.at, selector)
        elif argument.type == "" and variable.choices:
            yield PartFault(part, "only_for_select", argument.at, argument.name)


def _longest(moment: Moment, nodes: tuple[icu.Node, ...]) -> int:
    return len(icu.longest(nodes, longest_values(moment)))


def longest_values(moment: Moment) -> dict[str, str]:
    """Return the longest value of each variable of a moment."""
    return {name: str(variable.longest) for name, variable in moment.variables.items()}
