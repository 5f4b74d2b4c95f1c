"""Re-encodes photos in a child process, each in a copy of it with bounded memory and time."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from dispatch.live.imaging import LENGTH

#: Seconds for a photo. The process that decodes it also has limits of its own (live/imaging.py).
CHILD_S: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Reencoded:
    """The answer of the child process: the measures and a JPEG, or the code of a refusal."""

    content: bytes = b""
    measures: dict[str, Any] = field(default_factory=dict)
    refused: str = ""


def reencode(content: bytes) -> Reencoded:
    """Re-encode a photo in a child process with bounded memory and time."""
    try:
        answer = _child.ask(content)
    except _TooSlow:
        return Reencoded(refused="too_slow")
    head, _line, encoded = answer.partition(b"\n")
    if not head:
        return Reencoded(refused="unreadable")
    measures = json.loads(head)
    if "refused" in measures:
        return Reencoded(refused=str(measures["refused"]))
    return Reencoded(content=encoded, measures=measures)


class _TooSlow(Exception):
    """A photo took too long."""


class _Child:
    """The child process of this process. It starts with the first photo, and stays."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0  # a forked process must not use the child of its parent
        self._lock = threading.Lock()

    def ask(self, content: bytes) -> bytes:
        """Return the answer to a photo, b"" if its process ended early. Raises _TooSlow."""
        with self._lock:
            if self._owner == os.getpid():
                with contextlib.suppress(EOFError, OSError):  # it was killed since the last photo
                    return self._exchange(content)
            self._start()
            try:
                return self._exchange(content)
            except (EOFError, BrokenPipeError):
                return b""

    def _exchange(self, content: bytes) -> bytes:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise EOFError
        try:
            process.stdin.write(len(content).to_bytes(LENGTH) + content)
            process.stdin.flush()
            until, out = time.monotonic() + CHILD_S, process.stdout.fileno()
            size = int.from_bytes(_receive(out, LENGTH, until))
            return _receive(out, size, until)
        except BaseException:
            self.end()
            raise

    def _start(self) -> None:
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dispatch.live.imaging"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=settings.BASE_DIR,
            env={"PATH": os.environ.get("PATH", ""), "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,  # so that its copies end with it
        )

    def end(self) -> None:
        """End the child process and its copies."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _receive(out: int, count: int, until: float) -> bytes:
    """Read ``count`` bytes. Raises _TooSlow; EOFError if the other side has ended."""
    ready = select.poll()
    ready.register(out, select.POLLIN)
    received = bytearray()
    while len(received) < count:
        left_s = until - time.monotonic()
        if left_s <= 0 or not ready.poll(left_s * 1000):
            raise _TooSlow
        piece = os.read(out, count - len(received))
        if not piece:
            raise EOFError
        received += piece
    return bytes(received)


_child: Final = _Child()
atexit.register(_child.end)
