"""Log lines as they leave the process: secrets taken out, whoever wrote them."""

from __future__ import annotations

import logging
import re

HIDDEN = "[hidden]"
# Keys and tickets by their shape; links by their path; what follows a telling name.
_SECRETS = re.compile(
    r"\blm_[a-z0-9_]+_[0-9a-z]{32}\b"
    r"|\btkt_[\w-]{16,}"
    r"|\bwhsec_[\w+/=]{16,}"
    r"|(?<=/set-password/)[^/\s\"']+"
    r"|(?<=/t/)[^/\s\"']+"
    r"|(?<=Bearer )\S+"
    r"|(?<=sid=)[a-z0-9]+"
    r"|(?<=ticket=)[^&\s\"']+"
    r"|(?<=password=)[^&\s\"']+"
)


class RedactingFormatter(logging.Formatter):
    """Formats as usual, then hides secrets in the whole text, tracebacks too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without secrets."""
        return _SECRETS.sub(HIDDEN, super().format(record))
