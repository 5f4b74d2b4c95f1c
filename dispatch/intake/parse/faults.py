"""The faults of a file, and faults and warnings of a row: stable codes with parameters. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """A reason why a row is refused, or a warning. ``params`` fill the sentence of ``code``."""

    column: str
    code: str
    params: Mapping[str, object] = field(default_factory=dict)


class Unreadable(Exception):
    """The cell cannot be read with certainty; ``code`` and ``params`` become a fault of its row."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class BadFile(Exception):
    """The file cannot be read as a table. ``code`` is stable; ``params`` fill its sentence."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params
