"""Files in a bucket of an object storage (S3). Imported only if STORAGE_URL names one: it is slow.

Objects are private. Only the app reads them; it never makes a link to one.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile
from django.utils.translation import gettext as _
from storages.backends.s3 import S3Storage

from lastmile.core.errors import Unavailable
from lastmile.env import Bucket

#: Seconds to connect and between bytes, and calls in all; a job tries again later. Chosen.
CONNECT_S, READ_S, CALLS = 3, 10, 2


@functools.cache
def _opened(bucket: Bucket) -> S3Storage:
    return S3Storage(
        bucket_name=bucket.name,
        location=bucket.folder,
        access_key=bucket.key or None,
        secret_key=bucket.secret or None,
        endpoint_url=bucket.endpoint,
        region_name=bucket.region,
        default_acl="private",
        file_overwrite=True,  # names are unguessable, and a second attempt writes the same
        client_config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            retries={"total_max_attempts": CALLS, "mode": "standard"},
            # Other servers than Amazon's do not know the newer checksums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def keep(bucket: Bucket, name: str, content: bytes) -> None:
    """Write an object, all or nothing. Raises Unavailable."""
    with _answering():
        _opened(bucket).save(name, ContentFile(content))


def read(bucket: Bucket, name: str) -> bytes | None:
    """Return the content of an object, or None if there is none. Raises Unavailable."""
    with _answering():
        try:
            with _opened(bucket).open(name) as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None


def remove(bucket: Bucket, name: str) -> None:
    """Delete an object. A second call changes nothing. Raises Unavailable."""
    with _answering():
        _opened(bucket).delete(name)


@contextmanager
def _answering() -> Iterator[None]:
    """Raise Unavailable if the storage does not answer or refuses; the log has the cause."""
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as fault:
        raise Unavailable(
            _("The storage of photos does not answer. Try again in a minute.")
        ) from fault
