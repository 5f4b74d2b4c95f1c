"""Receives photos by their hash, in pieces, and deletes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from dispatch.live.errors import PhotoNotExpected, WrongHash
from dispatch.live.models import Device, Photo, Proof
from dispatch.live.policy import proof_policy
from dispatch.live.selectors.proof import photo_of_phone
from dispatch.live.states import PhotoState
from lastmile.core import storage
from lastmile.core.clock import now
from lastmile.core.jobs import enqueue

_APPEND: Final = """
    UPDATE live_photo SET content = coalesce(content, ''::bytea) || %s, received_bytes = %s
     WHERE id = %s
    RETURNING CASE WHEN received_bytes = size_bytes THEN encode(sha256(content), 'hex') END
"""
_HERE: Final = (PhotoState.RECEIVED, PhotoState.KEPT, PhotoState.REFUSED, PhotoState.ERASED)


def is_here(photo: Photo) -> bool:
    """Return True if a phone has nothing more to send of a photo."""
    return photo.state in _HERE


@transaction.atomic
def append_to_photo(*, device: Device, sha256: str, offset: int, piece: bytes) -> Photo:
    """Add a piece of a photo that an act of the driver names. The last piece starts the job.

    A piece that does not begin where the photo ends so far changes nothing: the answer says where
    to go on. So a piece that is sent twice counts once.

    Locks: the photo. Records: nothing. Raises: PhotoNotExpected; WrongHash if the whole does not
    have the hash; then nothing of it is kept.
    """
    photo = photo_of_phone(sha256, device.driver_id, lock=True)
    if photo is None:
        raise not_expected()
    if is_here(photo) or offset != photo.received_bytes or not piece:
        return photo
    if offset + len(piece) > photo.size_bytes:
        return _wrong(photo)
    photo.received_bytes = offset + len(piece)
    digest = _append(photo, piece)
    if photo.received_bytes == photo.size_bytes:
        if digest != sha256:
            return _wrong(photo)
        photo.state, photo.received_at = PhotoState.RECEIVED, now()
        photo.save(update_fields=["state", "received_at"])
        enqueue("live.photo", payload={"photo": photo.public_id}, subject=photo.public_id)
    return photo


def _append(photo: Photo, piece: bytes) -> str | None:
    """Add a piece to the row; return the hash of the whole, None while some of it is missing.

    PostgreSQL does both, so that what is here already is not read and written by this process.
    """
    with connection.cursor() as cursor:
        cursor.execute(_APPEND, [piece, photo.received_bytes, photo.pk])
        digest: str | None = cursor.fetchone()[0]
    return digest


def not_expected() -> PhotoNotExpected:
    """Return the error for a photo that no act of the driver names."""
    return PhotoNotExpected(_("No delivery names this photo. Send what you did first."))


def _wrong(photo: Photo) -> Photo:
    """Empty a photo whose bytes do not have its hash; the caller raises after the commit."""
    photo.content, photo.received_bytes = None, 0
    photo.save(update_fields=["content", "received_bytes"])
    return photo


def receive_piece(*, device: Device, sha256: str, offset: int, piece: bytes) -> Photo:
    """Add a piece of a photo, as append_to_photo does, and refuse a whole with a wrong hash.

    Locks, Records: as append_to_photo. Raises: PhotoNotExpected; WrongHash.
    """
    photo = append_to_photo(device=device, sha256=sha256, offset=offset, piece=piece)
    if offset + len(piece) >= photo.size_bytes and photo.received_bytes == 0:
        raise WrongHash(
            _("The photo that arrived is not the one that was announced. Send it again from the "
              "start.")
        )  # fmt: skip
    return photo


def forget_photos() -> dict[str, int]:
    """Delete old photos, signatures and names of receivers. Hashes and times stay.

    Photos that an act announced and no phone sent go too; files of deleted photos are removed.

    Locks: the rows. Records: nothing. Raises: nothing of its own.
    """
    before = now() - dt.timedelta(days=proof_policy().photo_days)
    names = Proof.objects.filter(name__isnull=False, happened_at__lt=before).update(name=None)
    old = Photo.objects.exclude(state=PhotoState.ERASED).filter(made_at__lt=before)
    return {"photos": erase_photos(old.values_list("pk", flat=True)), "receivers": names}


def erase_photos(pks: Iterable[int]) -> int:
    """Delete photos: the bytes, the file and the fingerprint. Return how many there were.

    The files go after the commit; one that is left by a crash goes with the next call.

    Locks: the photos. Records: nothing. Raises: nothing of its own.
    """
    left = Q(state=PhotoState.ERASED) & ~Q(kept_name="")
    rows = Photo.objects.select_for_update(no_key=True).filter(Q(pk__in=list(pks)) | left)
    photos = list(rows.defer("content"))
    keys = [photo.pk for photo in photos]
    Photo.objects.filter(pk__in=keys).update(content=None, fingerprint="", state=PhotoState.ERASED)
    files = [(photo.pk, photo.kept_name) for photo in photos if photo.kept_name]
    if files:
        transaction.on_commit(lambda: _remove_files(files), robust=True)
    return sum(photo.state != PhotoState.ERASED for photo in photos)


def _remove_files(files: list[tuple[int, str]]) -> None:
    for pk, name in files:
        storage.remove(name)
        Photo.objects.filter(pk=pk, kept_name=name).update(kept_name="")
