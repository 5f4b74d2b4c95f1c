"""Skills are free words, written one way: ``"Tail Lift"`` and ``tail-lift`` are the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from django.utils.translation import gettext as _

from lastmile.core.errors import Invalid

LONGEST = 40
MAX_SKILLS = 20


def normalise(words: Iterable[str]) -> list[str]:
    """Return the skills sorted, without doubles, as lower-case words joined by hyphens."""
    found = {_one(word) for word in words} - {""}
    if len(found) > MAX_SKILLS:
        raise Invalid(_("At most %(most)d skills can be named; drop some.") % {"most": MAX_SKILLS})
    return sorted(found)


def _one(word: str) -> str:
    if not isinstance(word, str):
        raise Invalid(_("A skill is a word, not %(word)r.") % {"word": word})
    plain = unicodedata.normalize("NFKC", word).casefold()
    skill = re.sub(r"[\W_]+", "-", plain).strip("-")
    if len(skill) > LONGEST:
        raise Invalid(
            _("The skill %(word)r is too long; use at most %(longest)d letters.")
            % {"word": word[:60], "longest": LONGEST}
        )
    return skill
