"""Compiles patterns and MJML in a process of its own, as a program that is run with ``-m``.

It reads one JSON object from standard input and writes one to standard output. It limits its own
memory and processor time before it reads anything. ``rendering.child`` starts it.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any, Final

from icu4py.messageformat import MessageFormat
from mrml import ParserOptions, RenderOptions, noop_loader, to_html

MEMORY_BYTES: Final = 512 * 1024 * 1024
PROCESSOR_S: Final = 2


def html_of(mjml: str) -> str:
    """Return the HTML of an MJML text. Nothing is included from files or other hosts."""
    parsing = ParserOptions(include_loader=noop_loader())
    output = to_html(mjml, parser_options=parsing, render_options=RenderOptions(fonts={}))
    return output.content


def compile_all(task: dict[str, Any]) -> dict[str, Any]:
    """Return the texts of the task's patterns, or the HTML of its MJML, or the error in words."""
    try:
        if "mjml" in task:
            return {"html": html_of(task["mjml"])}
        texts = {
            name: MessageFormat(pattern, task["locale"]).format(dict(task["values"]))
            for name, pattern in task["patterns"].items()
        }
    except Exception as error:  # noqa: BLE001 - any error of the two libraries is the answer
        return {"error": str(error)[:500]}
    return {"texts": texts}


def main() -> None:
    """Limit this process, then compile the task of standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    json.dump(compile_all(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
