"""The source code of the six packages, and rules about it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# How the solver marks what numba compiles.
KERNELS = frozenset({"compiled", "inlined", "allocating"})
PACKAGES = ("lastmile", "tenants", "dispatch", "lockers", "notifications", "portal")


@dataclass(frozen=True)
class Module:
    """A Python file of one of the packages."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)


@cache
def modules() -> tuple[Module, ...]:
    """Return every module of the six packages, without migrations."""
    paths = (
        path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
    )
    return tuple(
        Module(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in paths
    )


@cache
def templates() -> tuple[Module, ...]:
    """Return every template of the six packages."""
    paths = (
        path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("templates/**/*.*"))
        if path.suffix in {".html", ".txt", ".svg"}
    )
    return tuple(
        Module(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in paths
    )


Rule = Callable[[Module], Iterator[str]]


def offences(rule: Rule, where: tuple[Module, ...], *, but: tuple[str, ...] = ()) -> list[str]:
    """Return ``path: breach`` for every breach of a rule, without the files under ``but``."""
    return [
        f"{module.path}: {breach}"
        for module in where
        if not module.path.startswith(but)
        for breach in rule(module)
    ]


def names_used(module: Module) -> Iterator[tuple[str, int]]:
    """Yield every identifier: names, attributes, imported names."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.ImportFrom | ast.Import):
            for alias in node.names:
                yield alias.name.rpartition(".")[2], node.lineno


def uses(*forbidden: str) -> Rule:
    """Return the rule that none of these identifiers is used."""

    def rule(module: Module) -> Iterator[str]:
        for name, line in names_used(module):
            if name in forbidden:
                yield f"line {line} uses {name}"

    return rule


def imports_from(*forbidden: str) -> Rule:
    """Return the rule that none of these modules is imported."""

    def rule(module: Module) -> Iterator[str]:
        for node in ast.walk(module.tree):
            imported = []
            if isinstance(node, ast.Import):
                imported = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported = [node.module]
            for name in imported:
                if name.startswith(forbidden):
                    yield f"line {node.lineno} imports {name}"

    return rule


def calls(*forbidden: str) -> Rule:
    """Return the rule that no function of these names is called, as ``x.raw(…)`` or ``raw(…)``."""

    def rule(module: Module) -> Iterator[str]:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
                if name in forbidden:
                    yield f"line {node.lineno} calls {name}()"

    return rule


def reads_the_clock(module: Module) -> Iterator[str]:
    """Yield each use of a clock other than core.clock: ``datetime.now()``, ``date.today()`` …"""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            owner_name = getattr(owner, "attr", None) or getattr(owner, "id", None)
            if (owner_name, node.func.attr) in {
                *(("datetime", verb) for verb in ("now", "utcnow", "today")),
                *(("date", "today"), ("timezone", "now"), ("time", "time")),
            }:
                yield f"line {node.lineno} calls {owner_name}.{node.func.attr}()"


_SQL_NOW = re.compile(
    r"(?<![\w.])(now|statement_timestamp|clock_timestamp|transaction_timestamp|timeofday)\s*\(\s*\)"
    r"|\b(current_timestamp|localtimestamp|current_date|current_time|localtime)\b",
    re.IGNORECASE,
)


def asks_the_databases_clock(module: Module) -> Iterator[str]:
    """Yield each use of the database's clock: ``Now()``, ``core.timing``, SQL with ``now()``."""
    tree = module.tree
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            if _SQL_NOW.search(node.value):
                yield f"line {node.lineno} holds SQL's own now"
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
            if name in {"Now", "TransactionNow", "database_now", "in_seconds"}:
                yield f"line {node.lineno} calls {name}()"
        elif isinstance(node, ast.keyword) and node.arg in {"auto_now", "auto_now_add"}:
            yield f"line {node.value.lineno} sets {node.arg}"


def holds(*forbidden: str) -> Rule:
    """Return the rule that the file contains none of these texts."""

    def rule(module: Module) -> Iterator[str]:
        for number, line in enumerate(module.text.splitlines(), 1):
            for text in forbidden:
                if text in line:
                    yield f"line {number} holds {text!r}"

    return rule


def longer_than(most: int) -> Rule:
    """Return the rule that a file has at most ``most`` lines."""

    def rule(module: Module) -> Iterator[str]:
        lines = module.text.count("\n")
        if lines > most:
            yield f"{lines} lines; make it a package, one file per act"

    return rule


def functions_longer_than(most: int) -> Rule:
    """Return the rule that a function has at most ``most`` lines, without its docstring."""

    def rule(module: Module) -> Iterator[str]:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body
                doc = ast.get_docstring(node, clean=False)
                start = body[0].end_lineno if doc is not None else node.lineno - 1
                lines = (node.end_lineno or 0) - (start or 0)
                if lines > most:
                    yield f"{node.name} has {lines} lines"

    return rule


def more_arguments_than(most: int) -> Rule:
    """Return the rule that a function has at most ``most`` arguments, except compiled kernels."""

    def rule(module: Module) -> Iterator[str]:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_compiled(node):
                continue
            arguments = node.args
            count = len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs)
            count -= arguments.args[:1] != [] and arguments.args[0].arg in {"self", "cls"}
            if count > most:
                yield f"{node.name} takes {count} arguments; group them in a dataclass"

    return rule


def is_compiled(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return True if a function is a compiled kernel of the solver."""
    return any(ast.unparse(mark) in KERNELS for mark in node.decorator_list)


def imports_in_functions(module: Module) -> Iterator[str]:
    """Yield each import of our own modules inside a function: it would hide an import cycle."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ast.walk(node):
                if isinstance(inner, ast.ImportFrom):
                    name = inner.module or ""
                elif isinstance(inner, ast.Import):
                    name = inner.names[0].name
                else:
                    continue
                if name.split(".")[0] in PACKAGES:
                    yield f"line {inner.lineno} imports {name} inside {node.name}"
