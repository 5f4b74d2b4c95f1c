"""Shows HTML of a mail in a frame: in a sandbox, where it can run and load nothing."""

from __future__ import annotations

from typing import Final, TypeVar

from csp.constants import SELF
from django.http import HttpResponse

R = TypeVar("R", bound=HttpResponse)
#: The HTML of a mail has inline styles. It runs in a sandbox without scripts, forms and origin.
POLICY: Final = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["data:", "https:"],
    "form-action": ["'none'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'self'"],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}


def with_frames(response: R) -> R:
    """Let a page of this site show mails in frames."""
    response._csp_update = {"frame-src": [SELF]}  # type: ignore[attr-defined]  # noqa: SLF001
    return response


def as_letter(response: R) -> R:
    """Give a response the policy of a mail: only pages of this site can show it in a frame."""
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response._csp_config = dict(POLICY)  # type: ignore[attr-defined]  # noqa: SLF001
    return response
