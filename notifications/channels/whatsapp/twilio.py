"""WhatsApp through Twilio."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from notifications.channels.base import AccountCheck, ChannelError, Outgoing, Scope
from notifications.channels.twilio_channel import TwilioChannel

_SPACES: Final = re.compile(r"\s+")
_LINK: Final = re.compile(r"https?://\S+[^\s.,;:!?)]")
_BAD_VARIABLES: Final = "21656"
#: Codes of a test of the account. The first one is Twilio's own.
NO_SENDER: Final = "63007"
NO_SENDER_IN_SERVICE: Final = "no_whatsapp_sender"
SENDER_OFFLINE: Final = "whatsapp_offline"
ONLINE: Final = "ONLINE"
SANDBOX: Final = "+14155238886"  # twilio.com/docs/whatsapp/sandbox
MOST_SENDERS: Final = 500


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

    def check_sender(self, facts: Mapping[str, str]) -> AccountCheck:
        """Return whether Twilio has the WhatsApp sender. Raises ChannelError.

        A key without the right to list senders leaves it open, and the facts say so. Twilio does
        not list the number of its WhatsApp sandbox.
        """
        try:
            code, words = self._fault_of_sender()
        except ChannelError as refused:
            if refused.scope is not Scope.ACCOUNT:
                raise
            return AccountCheck(ok=True, facts={**facts, "sender": "not_checked"})
        return AccountCheck(ok=not code, code=code, words=words, facts=facts)

    def _fault_of_sender(self) -> tuple[str, str]:
        """Return the code of what is wrong with the sender, and Twilio's words; "" if nothing."""
        if self._credentials.service_sid:
            service = self._services(self._credentials.service_sid)
            senders = service.channel_senders.list(limit=MOST_SENDERS)
            has_one = any(str(one.sender).startswith(self.prefix) for one in senders)
            return ("", "") if has_one else (NO_SENDER_IN_SERVICE, "")
        if self._credentials.sender == SANDBOX:
            return "", ""
        wanted = self.prefix + self._credentials.sender
        listed: Any = self._client.messaging.v2.channels_senders
        for one in listed.list(channel="whatsapp", limit=MOST_SENDERS):
            if one.sender_id == wanted:
                status = str(one.status or "")
                return ("", "") if status.startswith(ONLINE) else (SENDER_OFFLINE, status)
        return NO_SENDER, ""

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
