"""WhatsApp through Twilio."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from notifications.channels.base import ChannelError, Outgoing, Scope
from notifications.channels.twilio_channel import TwilioChannel

_SPACES: Final = re.compile(r"\s+")
_LINK: Final = re.compile(r"https?://\S+[^\s.,;:!?)]")
_BAD_VARIABLES: Final = "21656"


class TwilioWhatsApp(TwilioChannel):
    """Messages to WhatsApp: a content template where one is named, else free text.

    WhatsApp refuses variables that are empty or have line breaks, tabs or rows of spaces (21656).
    White space becomes one space. An empty variable is refused here, before the call.
    """

    prefix: ClassVar[str] = "whatsapp:"

    def content(self, outgoing: Outgoing) -> dict[str, Any]:
        """Return the fields that hold the words of a message. Raises ChannelError."""
        if outgoing.content is None:
            return {"body": outgoing.text}
        fields = {"content_sid": outgoing.content.sid}
        variables = cleaned(outgoing.content.variables)
        empty = [name for name, value in variables.items() if not value]
        if empty:
            raise ChannelError(
                "a variable of the WhatsApp template is empty",
                permanent=True,
                scope=Scope.MESSAGE,
                code=_BAD_VARIABLES,
                words=f"The variable {empty[0]} is empty.",
            )
        if variables:  # without variables the parameter must be left out
            fields["content_variables"] = json.dumps(variables, ensure_ascii=False)
        return fields

    def is_same(self, outgoing: Outgoing, body: str) -> bool:
        """Return True if a listed body has the words of a message.

        Twilio lists the filled template, whose words may differ from our text. So each variable
        must be in it; where the variables are not known, the links of our text.
        """
        if outgoing.content is not None and outgoing.content.variables:
            return all(value in body for value in cleaned(outgoing.content.variables).values())
        links = _LINK.findall(outgoing.text)
        return super().is_same(outgoing, body) or (
            bool(links) and all(link in body for link in links)
        )


def cleaned(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with each run of white space as one space."""
    return {name: _SPACES.sub(" ", value).strip() for name, value in variables.items()}
