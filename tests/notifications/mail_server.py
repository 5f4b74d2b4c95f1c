"""A small SMTP server on the loopback address, whose answers a test sets."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Mail:
    """A mail as it came in: envelope and content."""

    sender: str
    recipients: list[str]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def part(self, kind: str) -> str:
        """Return the content of the first part of a kind, such as text/plain."""
        part = next(p for p in self.message.walk() if p.get_content_type() == kind)
        return str(part.get_content()).replace("\r\n", "\n").rstrip("\n")


@dataclass
class MailServer:
    """The server.

    ``answers`` maps the beginning of a command (``RCPT``, ``DATA.``) to the reply; ``DATA.`` is the
    reply after the text. The reply ``drop`` closes the connection instead.
    """

    password: str = "right"
    answers: dict[str, str] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_now += 1
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open_now -= 1
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mail = Mail("", [], b"")

        async def say(verb: str, usual: str) -> bool:
            reply = self.answers.get(verb, usual)
            if reply == "drop":
                return False
            writer.write(reply.encode() + b"\r\n")
            await writer.drain()
            return True

        going = await say("HELLO", "220 ready")
        while going and (line := (await reader.readline()).decode().strip()):
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                going = await say(verb, "250-here\r\n250-8BITMIME\r\n250 AUTH PLAIN")
            elif verb == "AUTH":
                secret = base64.b64decode(line.split(" ")[2]).split(b"\0")[2].decode()
                right = secret == self.password
                going = await say(verb, "235 in" if right else "535 5.7.8 wrong password")
            elif verb == "MAIL":
                mail = Mail(line.split("<")[1].split(">")[0], [], b"")
                going = await say(verb, "250 ok")
            elif verb == "RCPT":
                mail.recipients.append(line.split("<")[1].split(">")[0])
                going = await say(verb, "250 ok")
            elif verb == "DATA":
                going = await say(verb, "354 go on")
                if going and not self.answers.get("DATA"):
                    raw = await reader.readuntil(b"\r\n.\r\n")
                    mail.raw = raw[:-3].replace(b"\r\n..", b"\r\n.")
                    if self.answers.get("DATA.", "250").startswith(("250", "drop")):
                        self.mails.append(mail)
                    going = await say("DATA.", "250 2.0.0 queued")
            elif verb == "QUIT":
                await say(verb, "221 bye")
                going = False
            else:  # NOOP, RSET
                going = await say(verb, "250 ok")


@contextmanager
def mail_server(**values: object) -> Iterator[MailServer]:
    """Run a server in a thread."""
    server = MailServer(**values)  # type: ignore[arg-type]
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def start() -> asyncio.Server:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        return listening

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(_stop, loop)
        thread.join(10)
        loop.close()


def _stop(loop: asyncio.AbstractEventLoop) -> None:
    """End the tasks of open connections, then the loop."""
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.call_soon(loop.stop)
