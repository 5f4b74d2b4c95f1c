"""Starts the bounded child that compiles what a person typed, and waits a short time for it.

A pattern or an MJML text that needs too much memory or time, or that ends the compiler, ends only
the child. What was compiled here once is safe to render in the sender.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings

WALL_S: Final = 5
MOST_OUTPUT: Final = 2_000_000
# The environment of the child: no address, key or secret is passed on.
_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR")
_COMMAND: Final = (sys.executable, "-E", "-s", "-m", "notifications.rendering.compiling")


class CompileFailed(Exception):
    """The child refused its task or was ended by its limits. The text is the compiler's word."""


def compile_patterns(
    patterns: Mapping[str, str], *, locale: str, values: Mapping[str, str | int]
) -> dict[str, str]:
    """Return the text of each pattern, compiled in the child. Raises CompileFailed."""
    task = {"patterns": dict(patterns), "locale": locale, "values": dict(values)}
    texts: dict[str, str] = _run(task)["texts"]
    return texts


def compile_mjml(mjml: str) -> str:
    """Return the HTML of an MJML text, compiled in the child. Raises CompileFailed."""
    html: str = _run({"mjml": mjml})["html"]
    return html


def _run(task: Mapping[str, Any]) -> dict[str, Any]:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; the text goes through its input
            _COMMAND,
            input=json.dumps(task).encode(),
            capture_output=True,
            timeout=WALL_S,
            check=False,
            cwd=settings.BASE_DIR,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )
    except subprocess.TimeoutExpired:
        raise CompileFailed("time") from None
    if done.returncode != 0 or len(done.stdout) > MOST_OUTPUT:
        raise CompileFailed("limits")
    answer: dict[str, Any] = json.loads(done.stdout)
    if "error" in answer:
        raise CompileFailed(str(answer["error"]))
    return answer
