"""Runs the checks and makes the report. PURE."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lockers.conformance.checks import CHECKS, Check
from lockers.conformance.hands import HandsFailed
from lockers.conformance.kit import Failed, Kit

HANDS_REMEDY = "Stay at the cabinet until the last check ends, or use a program that does (--rig)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of a check: passed, failed or skipped. ``actual`` is what happened instead."""

    name: str
    result: str
    wanted: str
    actual: str
    remedy: str


def run_checks(
    kit: Kit,
    checks: Sequence[Check] = CHECKS,
    *,
    only: frozenset[str] = frozenset(),
    tell: Callable[[Result], None] = lambda _result: None,
) -> list[Result]:
    """Run the checks in their order, and tell each result at once.

    A check that cannot go on (no keys, no signature, nobody at the cabinet) ends the run; the
    others are skipped. A failed check leaves nothing behind for the next one. With ``only``, the
    checks that end a run still run first.
    """
    results: list[Result] = []
    over = ""
    for check in checks:
        if only and check.name not in only and not check.ends:
            continue
        actual, remedy, is_last = over, check.remedy, False
        if not over:
            try:
                check.run(kit)
            except Failed as failed:
                actual, is_last = str(failed), check.ends
                kit.tidy()
            except HandsFailed as failed:
                actual, remedy, is_last = str(failed), HANDS_REMEDY, True
        result = Result(
            name=check.name,
            result="skipped" if over else "failed" if actual else "passed",
            wanted=check.wanted,
            actual=actual,
            remedy=remedy if actual else "",
        )
        if is_last:
            over = f"not run, because {check.name} failed"
        results.append(result)
        tell(result)
    return results


def is_passed(results: Sequence[Result]) -> bool:
    """Return True if every check passed."""
    return all(one.result == "passed" for one in results)


def as_json(results: Sequence[Result], **about: str) -> dict[str, Any]:
    """Return the report for programs."""
    return {
        "kit": "lockers.conformance",
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "passed": is_passed(results),
        **about,
        "checks": [asdict(one) for one in results],
    }


def line_of(result: Result) -> str:
    """Return the report of one check for a terminal."""
    if result.result == "passed":
        return f"passed   {result.name}"
    return (
        f"{result.result:<8} {result.name}\n"
        f"         wanted: {result.wanted}\n"
        f"         came:   {result.actual}\n"
        f"         remedy: {result.remedy}"
    )
