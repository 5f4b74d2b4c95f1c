"""Addresses are made from names: no path of Lastmile is typed in Python, templates or JavaScript.

So a URL changes in one file only, its urls.py. Every name has a namespace, and every name that a
template or a call uses exists.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string

from lastmile.core.http.socket_urls import socket_url
from tests.architecture.source import PACKAGES, ROOT, Module, Rule, modules, offences, templates

URLCONFS = (settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF)
# What must name a path by its text, because no address has been resolved yet, or because it is no
# address of a view.
ALLOWED = (
    "lastmile/settings.py",  # STATIC_URL
    "lastmile/fixed_settings.py",  # the prefix that the API document leaves out
    "lastmile/core/http/health.py",  # /healthz and /readyz answer on any Host, before the URLconf
    "lastmile/core/http/headers.py",  # a middleware: /api/ by its prefix, even where nothing is
    "lastmile/core/http/pages.py",  # the same: a 404 under /api/ is a problem document
    "tenants/middleware.py",  # the same: no retailer, so no URLconf
    "portal/choice/demo_shop/",  # a program of another site, without our URLconf
    "lockers/simulator/",  # a program of cabinets, without our URLconf
    "lockers/conformance/",  # a program for makers of cabinets, without our URLconf
    "dispatch/driver/demo_drivers/",  # a program of phones, without our URLconf
    "tenants/people/cors.py",  # the same: only addresses of the API are resolved twice
    "lastmile/core/openapi.py",  # keeps the API's own endpoints in the document
    "lastmile/core/logs.py",  # takes secrets out of logged addresses of the past and of others
)


def patterns(
    resolver: URLResolver, path: str = "/", names: str = ""
) -> Iterator[tuple[str, str, URLPattern]]:
    """Yield the address, the full name and the pattern of every page below a resolver."""
    for entry in resolver.url_patterns:
        here = path + str(entry.pattern).removeprefix("^")
        if isinstance(entry, URLResolver):
            below = f"{names}{entry.namespace}:" if entry.namespace else names
            yield from patterns(entry, here, below)
        else:
            yield here, f"{names}{entry.name}", entry


@cache
def served() -> dict[str, str]:
    """Return name -> address of every page of both hosts."""
    return {name: where for conf in URLCONFS for where, name, _view in patterns(get_resolver(conf))}


@cache
def first_parts() -> str:
    """Return the first parts of our addresses, as a regular expression."""
    sockets = [f"/{r.pattern}" for path in settings.SOCKET_ROUTES for r in import_string(path)]
    parts = {
        match[1]
        for where in (*served().values(), *sockets, "/static/", "/healthz", "/readyz")
        if (match := re.match(r"/([a-z][a-z0-9-]*)", where))
    }
    assert {"console", "api", "ws", "login", "roads", "settings"} <= parts
    return "|".join(sorted(parts))


def typed_in_python(module: Module) -> Iterator[str]:
    """Yield each text that begins with an address of Lastmile, except docstrings."""
    # A JSON pointer such as "/driver" has no slash at its end; an address of Lastmile has one.
    own_address = re.compile(rf"(?:https?://[^/\s]+)?/(?:{first_parts()})/|/(?:healthz|readyz)\b")
    docs = {
        id(node.value)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
            ).removeprefix("{}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if id(node) not in docs and own_address.match(text):
            yield f"line {node.lineno} types {text!r}"


def typed_in_text(module: Module) -> Iterator[str]:
    """Yield each attribute and string of a template or script with an address of Lastmile."""
    own_address = re.compile(rf"""["'`=(}}]/(?:{first_parts()})(?=[/?"'`])""")
    text = re.sub(r"{#.*?#}|/\*.*?\*/", lambda match: "\n" * match[0].count("\n"), module.text,
                  flags=re.DOTALL)  # fmt: skip
    for number, line in enumerate(text.splitlines(), 1):
        for match in own_address.finditer(line):
            yield f"line {number} types {match[0][1:]!r}"


@cache
def scripts() -> tuple[Module, ...]:
    """Return every script of the six packages, without vendored ones."""
    paths = (
        path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("static/**/*.js"))
        if "vendor" not in path.parts
    )
    return tuple(
        Module(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in paths
    )


def python() -> tuple[Module, ...]:
    return tuple(
        m for m in modules() if not m.path.endswith(("urls.py", "urls_public.py", "ws.py"))
    )


def test_no_address_is_typed_in_python() -> None:
    assert offences(typed_in_python, python(), but=ALLOWED) == []


def test_no_address_is_typed_in_a_template_or_a_script() -> None:
    assert scripts()
    assert offences(typed_in_text, (*templates(), *scripts())) == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (typed_in_python, 'x = "/console/orders/"'),
        (typed_in_python, 'x = f"/api/v1/operations/{job}/"'),
        (typed_in_python, 'x = f"{origin}/login/?next=x"'),
        (typed_in_python, 'x = "http://localhost:8000/console/"'),
        (typed_in_text, '<a href="/console/">'),
        (typed_in_text, "<a href='{{ origin }}/login/'>"),
        (typed_in_text, "fetch(`/api/v1/me/`)"),
        (typed_in_text, "new WebSocket(`${host}/ws/v1/board/`)"),
    ],
)
def test_the_rules_bite(rule: Rule, text: str) -> None:
    assert list(rule(Module("x", text)))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (typed_in_python, 'def f():\n    """Pages under /console/orders/."""'),
        (typed_in_python, 'problems.add("/driver", "said")'),
        (typed_in_python, 'x = "See /console/ for more."'),
        (typed_in_text, "{% url 'console:board' %}"),
        (typed_in_text, '/* data-tiles="/roads/NAME/tiles/" */'),
    ],
)
def test_the_rules_let_pass(rule: Rule, text: str) -> None:
    assert not list(rule(Module("x", text)))


def test_every_page_and_every_call_has_a_name_in_a_namespace() -> None:
    assert [name for name in served() if ":" not in name or name.endswith(":None")] == []


def test_every_name_that_is_given_exists() -> None:
    names = re.compile(
        r"""\{%\s*(?:url|safe_url)\s+['"]([^'"]+)|\b(?:reverse|redirect)\(\s*["']([^"'/]+)"""
    )
    unknown = [
        (module.path, name)
        for module in (*modules(), *templates())
        for match in names.finditer(module.text)
        if (name := match[1] or match[2]) not in served()
    ]
    assert unknown == []
    assert socket_url("board") == "/ws/v1/board/"
