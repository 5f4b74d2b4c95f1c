"""What is wrong with a row or worth knowing of it: a column, a stable code, its numbers. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason a row is refused, or a warning: a column, a code, and what fills its sentence."""

    column: str
    code: str
    params: Mapping[str, object] = field(default_factory=dict)


class Unreadable(Exception):
    """A cell has no certain meaning; ``code`` and ``params`` make the fault of its row."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params
