"""The invariants of remarks."""

from __future__ import annotations

from tests.capability.models import Remark


def invariants() -> dict[str, list[str]]:
    """Return, by invariant, the ids of the remarks that break it."""
    without_text = Remark.objects.filter(text="").values_list("public_id", flat=True)
    return {"a remark has a text": list(without_text)}
