"""Typed texts are compiled in a child that has little memory and little time."""

from __future__ import annotations

import sys

import pytest

from notifications.rendering import child
from notifications.rendering.child import CompileFailed, compile_mjml, compile_patterns
from notifications.rendering.mail import PLACEHOLDERS, default_html, default_mjml


def test_patterns_are_compiled_with_their_values() -> None:
    patterns = {"text": "{n, plural, one {# pedido} other {# pedidos}}", "subject": "{shop}"}
    texts = compile_patterns(patterns, locale="es", values={"n": 2, "shop": "Tom & Jerry's"})
    assert texts == {"text": "2 pedidos", "subject": "Tom & Jerry's"}


def test_the_compiler_s_refusal_is_an_error() -> None:
    with pytest.raises(CompileFailed):
        compile_patterns({"text": "{n, plural, one {x}}"}, locale="en", values={})
    with pytest.raises(CompileFailed):
        compile_mjml("<mjml><mj-body><mj-text>")


def test_a_layout_includes_no_file_and_no_other_host() -> None:
    for path in ("/etc/passwd", "file:///etc/passwd", "https://evil.example/x.mjml"):
        with pytest.raises(CompileFailed):
            compile_mjml(f'<mjml><mj-body><mj-include path="{path}" /></mj-body></mjml>')


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "import os; os.kill(os.getpid(), 9)",
        "print('x' * 3_000_000)",
        "raise SystemExit(3)",
    ],
)
def test_a_child_that_hangs_dies_or_floods_is_an_error(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_COMMAND", (sys.executable, "-c", code))
    monkeypatch.setattr(child, "WALL_S", 1)
    with pytest.raises(CompileFailed):
        compile_mjml("<mjml></mjml>")


def test_the_child_limits_its_own_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from notifications.rendering import compiling\n"
        "compiling.compile_all = lambda task: {'html': 'x' * (1 << 30)}\n"
        "compiling.main()"
    )
    monkeypatch.setattr(child, "_COMMAND", (sys.executable, "-E", "-s", "-c", code))
    with pytest.raises(CompileFailed):
        compile_mjml("<mjml></mjml>")


def test_the_default_layout_has_every_placeholder_that_it_needs() -> None:
    for name, is_needed in PLACEHOLDERS.items():
        if is_needed:
            assert f"[[{name}]]" in default_html(), name
    assert compile_mjml(default_mjml()) == default_html()
