"""How alike two folded street names are: the same name, or how much of it. PURE."""

from __future__ import annotations

from typing import Final

# Words that say what kind of way a name is; "Calle Larga" and "Larga" are one name, "Calle Larga"
# and "Avenida Larga" two.
_KINDS: Final = frozenset(
    {
        "al", "av", "blvd", "c", "cam", "cir", "ct", "dr", "estr", "hwy", "lg", "ln", "paseo", "pc",
        "pje", "pkwy", "pl", "pza", "r", "rd", "sq", "st", "ter", "tv",
    }
)  # fmt: skip


def same_name(one: str, other: str) -> bool:
    """Whether two folded names are one, whatever the order of their words."""
    words, others = sorted(one.split()), sorted(other.split())
    if words == others:
        return bool(words)
    bare, bare_other = _without_kind(words), _without_kind(others)
    # Where both name a kind, it has to be the same one.
    one_names_none = bare == words or bare_other == others
    return bool(bare) and bare == bare_other and one_names_none


def _without_kind(words: list[str]) -> list[str]:
    return [word for word in words if word not in _KINDS]


def shared_words(one: str, other: str) -> float:
    """Dice coefficient of the words of two folded names, in [0, 1]."""
    words, others = set(one.split()), set(other.split())
    return 2 * len(words & others) / (len(words) + len(others)) if words and others else 0.0


def similarity(one: str, other: str) -> float:
    """How alike two folded names look, in [0, 1]: the better of their words and their trigrams."""
    grams, others = set(trigrams(one)), set(trigrams(other))
    if not grams or not others:
        return shared_words(one, other)
    return max(shared_words(one, other), 2 * len(grams & others) / (len(grams) + len(others)))


def trigrams(text: str) -> list[str]:
    """The runs of three characters of a folded name, as the index keeps them."""
    return [text[at : at + 3] for at in range(len(text) - 2)]
