"""The memory of a simulated cabinet, which survives a power failure. PURE.

Everything that must survive is in one JSON document, written as a whole. A test can kill the
cabinet at any write: ``Killed`` is raised instead of, or after, the write.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Killed(Exception):
    """The power of the cabinet failed."""


def write_owned(file: Path, text: str) -> None:
    """Write or replace a file in one step. Only its owner can read it: it may hold keys."""
    draft = file.with_suffix(f"{file.suffix}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
    draft.replace(file)


class Memory:
    """The stored document. ``kill_at`` counts the steps until the power fails; None: never."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.kill_at: int | None = None
        self.steps = 0
        self._text = file.read_text(encoding="utf-8") if file and file.exists() else "{}"

    def load(self) -> dict[str, Any]:
        """Return the stored document."""
        document: dict[str, Any] = json.loads(self._text)
        return document

    def save(self, document: dict[str, Any]) -> None:
        """Store the document; the step before and the step after may be the last ones."""
        self.step()
        self._text = json.dumps(document)
        if self.file is not None:
            write_owned(self.file, self._text)
        self.step()

    def step(self) -> None:
        """Count a step. Raises Killed when it is the last one."""
        self.steps += 1
        if self.kill_at is not None and self.steps >= self.kill_at:
            self.kill_at = None
            raise Killed

    def copy(self) -> Memory:
        """Return another memory with the same content: a second cabinet with one identity."""
        other = Memory()
        other._text = self._text
        return other
