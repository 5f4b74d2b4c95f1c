"""The job that keeps a photo without its metadata (``live.photo``)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from django.db.models import QuerySet

from dispatch.live.models import Photo
from dispatch.live.services.doubts import note_measures, note_unreadable
from dispatch.live.services.reencoding import reencode
from dispatch.live.services.telling import note_checked
from dispatch.live.states import PhotoState
from dispatch.orders.models import Order
from lastmile.core import storage
from lastmile.core.clock import now
from lastmile.core.jobs import Lease


def keep_photo(job: Lease) -> Mapping[str, object]:
    """Re-encode the photo of the payload, store it as a file, and delete the original.

    The name of the file is in the row before the file exists, so a second attempt writes the same.
    """
    photo = Photo.objects.get(public_id=job.payload["photo"])
    if photo.state != PhotoState.RECEIVED or photo.content is None:
        return {"photo": photo.public_id, "state": photo.state}
    done = reencode(bytes(photo.content))
    if done.refused:
        with job.fenced():
            _held(photo).update(state=PhotoState.REFUSED, refused_code=done.refused, content=None)
            note_unreadable(photo)
            _checked(photo)
        return {"photo": photo.public_id, "state": "refused", "code": done.refused}
    name = photo.kept_name or storage.new_name("photo", "jpg")
    with job.fenced():
        _held(photo).update(kept_name=name)
    storage.keep(name, done.content)
    with job.fenced():
        kept = _held(photo).update(
            state=PhotoState.KEPT,
            content=None,
            kept_sha256=hashlib.sha256(done.content).hexdigest(),
            kept_bytes=len(done.content),
            width=done.measures["width"],
            height=done.measures["height"],
            kept_at=now(),
        )
        if kept:
            note_measures(photo, done.measures)
            _checked(photo)
    if not kept:  # it was erased meanwhile
        storage.remove(name)
    return {"photo": photo.public_id, "state": "kept" if kept else "erased"}


def _checked(photo: Photo) -> None:
    """Say that the proof of the orders of a photo is checked, if nothing else is open."""
    for order in Order.objects.filter(proofs__photo=photo).order_by("pk").distinct():
        note_checked(order)


def _held(photo: Photo) -> QuerySet[Photo]:
    return Photo.objects.filter(pk=photo.pk, state=PhotoState.RECEIVED)
