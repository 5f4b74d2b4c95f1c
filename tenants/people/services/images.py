"""Keeps the logo that a retailer uploads."""

from __future__ import annotations

import hashlib
from typing import Final

from django.utils.translation import gettext as _

from lastmile.core.errors import FieldProblem, Invalid
from tenants.people.models import BrandImage

LARGEST_LOGO: Final = 200_000  # bytes: the page of a shopper is loaded over a phone
# The first bytes of each format. SVG is left out, because it can contain scripts.
_FORMATS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def keep_image(*, content: bytes) -> BrandImage:
    """Store an image, once for the same content.

    Locks: nothing. Records: nothing. Raises: Invalid if it is too large or not an image.
    """
    if len(content) > LARGEST_LOGO:
        raise _invalid(_("This image is larger than 200 kB. Make it smaller."))
    media_type = next((kind for start, kind in _FORMATS if content.startswith(start)), "")
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        media_type = "image/webp"
    if not media_type:
        raise _invalid(_("This is not a PNG, JPEG, WebP or GIF image. Choose another file."))
    image, _created = BrandImage.objects.get_or_create(
        digest=hashlib.sha256(content).hexdigest(),
        defaults={"content": content, "media_type": media_type},
    )
    return image


def _invalid(detail: str) -> Invalid:
    return Invalid(detail, errors=[FieldProblem("/logo_file", detail)])
