"""The words of a message, ready for its channel."""

from __future__ import annotations

from dataclasses import dataclass

from notifications.channels.base import ContentRef

#: Stand for the shopper's link, the code and the link that ends messages in every stored text.
LINK_MARK = "⟦link⟧"
CODE_MARK = "⟦code⟧"
OPT_OUT_MARK = "⟦opt-out⟧"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A rendered message. Its texts have the marks in place of links and the code."""

    text: str
    subject: str = ""
    html: str = ""
    content: ContentRef | None = None
    segments: int = 0
    digest: str = ""
    version: int = 0
