"""Takes photos from phones by their hash: how much is here, and the next piece."""

from __future__ import annotations

import re
from typing import Any, Final

from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dispatch.driver.guards import DeviceRequest, device_data, direct_calls
from dispatch.live.models import Photo
from dispatch.live.selectors.proof import photo_of_phone
from dispatch.live.services import is_here, not_expected, receive_piece
from lastmile.core.errors import Invalid
from tenants.permissions import Act

#: Bytes of one piece. The app sends less, so that a weak line gets each piece through.
LARGEST_PIECE: Final = 512 * 1024
_OFTEN: Final = direct_calls(frozenset({"HEAD", "PUT"}), largest_body=LARGEST_PIECE)
_RANGE: Final = re.compile(r"bytes (\d{1,9})-(\d{1,9})/(\d{1,9})")


@device_data(Act.DRIVER_ACT, direct=_OFTEN)
@require_http_methods(["GET", "HEAD", "PUT"])
def photo(request: DeviceRequest, sha256: str) -> HttpResponse:
    """Say how much of a photo is here; PUT adds the piece that Content-Range names."""
    if request.method == "PUT":
        offset = _offset(request)
        row = receive_piece(device=request.device, sha256=sha256, offset=offset, piece=request.body)
    else:
        named = photo_of_phone(sha256, request.device.driver.pk)
        if named is None:
            raise not_expected()
        row = named
    status = _status(row)
    headers = {
        "Upload-Offset": str(status["received"]),
        "Upload-Complete": "?1" if status["complete"] else "?0",
        "Cache-Control": "private, no-store",
    }
    return JsonResponse(status, headers=headers)


def _offset(request: DeviceRequest) -> int:
    match = _RANGE.fullmatch(request.headers.get("Content-Range", ""))
    length = len(request.body)
    if length > LARGEST_PIECE:
        raise Invalid(_("The piece is too large. Send at most 512 kB at a time."))
    if match is None or int(match[2]) - int(match[1]) + 1 != length:
        raise Invalid(_("Send Content-Range: bytes first-last/size, as long as the body."))
    return int(match[1])


def _status(row: Photo) -> dict[str, Any]:
    received = row.size_bytes if is_here(row) else row.received_bytes
    return {"received": received, "size": row.size_bytes, "complete": is_here(row)}
