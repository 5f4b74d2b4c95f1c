"""The job that translates a remark."""

from __future__ import annotations

from collections.abc import Mapping

from lastmile.core.jobs import Lease
from tests.capability import services
from tests.capability.selectors import remarks
from tests.capability.vendors import translator


def translate(job: Lease) -> Mapping[str, object]:
    """Ask the translator, outside of any transaction, and store the answer."""
    remark = remarks().get(public_id=job.subject)
    text = translator().translate(remark.text, to="es")
    services.keep_translation(public_id=remark.public_id, text=text)
    return {"characters": len(text)}
