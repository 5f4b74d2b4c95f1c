"""Compares folded street names: are they the same, and how similar are they? PURE."""

from __future__ import annotations

from typing import Final

# Words for kinds of streets. "Calle Larga" and "Larga" are the same name; "Calle Larga" and
# "Avenida Larga" are not.
_KINDS: Final = frozenset(
    {
        "al", "av", "blvd", "c", "cam", "cir", "ct", "dr", "estr", "hwy", "lg", "ln", "paseo", "pc",
        "pje", "pkwy", "pl", "pza", "r", "rd", "sq", "st", "ter", "tv",
    }
)  # fmt: skip


def same_name(one: str, other: str) -> bool:
    """Return True if two folded names are the same; the order of words does not matter."""
    words, others = sorted(one.split()), sorted(other.split())
    if words == others:
        return bool(words)
    bare, bare_other = _without_kind(words), _without_kind(others)
    # If both names have a kind of street, it must be the same kind.
    one_names_none = bare == words or bare_other == others
    return bool(bare) and bare == bare_other and one_names_none


def _without_kind(words: list[str]) -> list[str]:
    return [word for word in words if word not in _KINDS]


def shared_words(one: str, other: str) -> float:
    """Return the Dice coefficient of the words of two folded names, in [0, 1]."""
    words, others = set(one.split()), set(other.split())
    return 2 * len(words & others) / (len(words) + len(others)) if words and others else 0.0


def similarity(one: str, other: str) -> float:
    """Return how similar two folded names are, in [0, 1].

    The larger of the Dice coefficients of their words and of their trigrams.
    """
    grams, others = set(trigrams(one)), set(trigrams(other))
    if not grams or not others:
        return shared_words(one, other)
    return max(shared_words(one, other), 2 * len(grams & others) / (len(grams) + len(others)))


def trigrams(text: str) -> list[str]:
    """Return all runs of three characters of a folded name, as in the index."""
    return [text[at : at + 3] for at in range(len(text) - 2)]
