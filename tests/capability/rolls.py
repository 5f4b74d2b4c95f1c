"""What must always hold of remarks."""

from __future__ import annotations

from tests.capability.models import Remark


def invariants() -> dict[str, list[str]]:
    """Name the remarks that have a translation of nothing."""
    wrong = Remark.objects.filter(text="").values_list("public_id", flat=True)
    return {"a remark has a text": list(wrong)}
