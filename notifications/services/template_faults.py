"""The sentences for faults of message templates: cause, position and remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from lastmile.core import formatting
from notifications.rendering.checking import PartFault
from notifications.wording import icu

SENTENCES: Final[Mapping[str, str | Lazy]] = {
    "empty": _("This is empty. Write a text, or go back to the default."),
    "too_long": _("The text has more than 2,000 characters. Shorten it."),
    "longest": _(
        "With the longest values the text would have more than %(word)s characters. Shorten it."
    ),
    "needed": _("Each case of the text must contain {%(word)s}. Add it."),
    "bad_character": _("This character cannot be sent. Remove it."),
    "stray_brace": _("This } closes nothing. Remove it, or write '}' between apostrophes."),
    "not_closed": _("This { is never closed. Add a }."),
    "bad_name": _("After { comes the name of a variable, as in {shop}."),
    "bad_type": _("After the comma comes plural, select or number."),
    "type_not_allowed": _(
        "“%(word)s” is not allowed. Use plural, select or number. Days and times have variables."
    ),
    "no_branches": _("“%(word)s” needs a text for each case, as in one {…} other {…}."),
    "style_not_allowed": _("This style of a number is not allowed. Write only {orders, number}."),
    "too_deep": _("The cases are nested deeper than four levels. Use fewer levels."),
    "no_other": _("“%(word)s” has no case “other”. Add other {…}."),
    "twice": _("The case “%(word)s” occurs twice. Remove one."),
    "no_text": _("The case “%(word)s” has no text. Write it between { and }."),
    "bad_selector": _("Here comes the name of a case, as in one {…}."),
    "not_a_plural_form": _(
        "“%(word)s” is no plural form. Use zero, one, two, few, many, other, or a number as in =1."
    ),
    "unknown_variable": _("There is no variable “%(word)s” here. Choose one of the list."),
    "not_a_number": _("“%(word)s” is a text and no number. Write only {%(word)s}."),
    "not_a_word": _("“%(word)s” is a number. Use plural for its cases, not select."),
    "unknown_choice": _("“%(word)s” never occurs here. Use the words of the list."),
    "only_for_select": _("“%(word)s” is not for reading. Write {%(word)s, select, … other {…}}."),
    "child": _("The text could not be compiled in time. Make it simpler."),
}
#: Faults of a whole part, which have no position.
_WITHOUT_POSITION: Final = frozenset({"empty", "too_long", "longest", "needed", "child"})


def sentence_of(fault: PartFault, pattern: str) -> str:
    """Return a fault as a sentence that begins with its position."""
    sentence = str(SENTENCES[fault.code]) % {"word": fault.word}
    if fault.code in _WITHOUT_POSITION:
        return sentence
    line, column = icu.line_and_column(pattern, fault.at)
    position = {"line": formatting.number(line), "column": formatting.number(column)}
    return _g("Line %(line)s, character %(column)s: %(sentence)s") % {
        **position,
        "sentence": sentence,
    }
