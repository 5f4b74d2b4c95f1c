"""Normal form of skills. A skill is a free word; ``"Tail Lift"`` and ``tail-lift`` are equal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from django.utils.translation import gettext as _

from lastmile.core.errors import Invalid

MAX_LENGTH = 40
MAX_SKILLS = 20


def normalise(words: Iterable[str]) -> list[str]:
    """Return the skills in normal form, sorted and without duplicates.

    The normal form has lower-case words joined by hyphens.
    """
    skills = {_normal_form(word) for word in words} - {""}
    if len(skills) > MAX_SKILLS:
        raise Invalid(_("At most %(most)d skills are allowed. Remove some.") % {"most": MAX_SKILLS})
    return sorted(skills)


def _normal_form(word: str) -> str:
    if not isinstance(word, str):
        raise Invalid(_("A skill must be text, not %(word)r.") % {"word": word})
    plain = unicodedata.normalize("NFKC", word).casefold()
    skill = re.sub(r"[\W_]+", "-", plain).strip("-")
    if len(skill) > MAX_LENGTH:
        raise Invalid(
            _("The skill %(word)r is too long. Use at most %(longest)d characters.")
            % {"word": word[:60], "longest": MAX_LENGTH}
        )
    return skill
