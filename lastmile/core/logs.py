"""The log formatter, which removes secrets from every log line."""

from __future__ import annotations

import logging
import re

HIDDEN = "[hidden]"
# Keys and tickets by their form, links by their path, other secrets by the name before them.
_SECRETS = re.compile(
    r"\blm_[a-z0-9_]+_[0-9a-z]{32}\b"
    r"|\btkt_[\w-]{16,}"
    r"|\bwhsec_[\w+/=]{16,}"
    # A derived secret: 160 bits in base32. A quoted address has a letter before it (%2F).
    r"|(?<![a-z2-7])[a-z2-7]{32}(?![a-z2-7])"
    r"|\benc1\.[0-9a-f]{8}\.[\w=-]+"  # an encrypted value
    r"|(?<=/set-password/)[^/\s\"']+"
    r"|(?<=/t/)[^/\s\"']+"
    r"|(?<=/u/)[^/\s\"']+"
    r"|(?<=/driver/login/)[^/\s\"']+"
    r"|(?<=/osmand/\?)[^\s\"']+"  # a tracker's key and where its driver is
    r"|(?<=%2Ft%2F)[^/\s\"'%&]+"
    r"|(?<=%2Fu%2F)[^/\s\"'%&]+"
    r"|(?<=%2Fdriver%2Flogin%2F)[^/\s\"'%&]+"
    r"|(?<=step-up=)[^;\s\"']+"  # the confirmation of a shopper, in a cookie
    r"|(?<=Bearer )\S+"
    r"|(?<=sid=)[a-z0-9]+"
    r"|(?<=ticket=)[^&\s\"']+"
    r"|(?<=password=)[^&\s\"']+"
    r"|(?<=FIELD_KEYS=)[^\n]+"
    r"|(?<=SECRET_KEY=)\S+"
    r"|(?:(?<=code=)|(?<=code: )|(?<=code\": \")|(?<=code': '))\d{4,12}\b"
)


class RedactingFormatter(logging.Formatter):
    """Formats a log record as usual, then hides secrets in the text and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without secrets."""
        return _SECRETS.sub(HIDDEN, super().format(record))
