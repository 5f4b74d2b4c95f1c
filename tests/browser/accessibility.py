"""Runs axe-core in a page; the debugger loads it, so no Content-Security-Policy blocks it."""

from __future__ import annotations

import functools
from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
GRAVE = {"serious", "critical"}
# Finish all animations first: during a transition, colours have wrong contrast. (On a busy machine
# Chromium sometimes does not report the end of a transition by itself.)
_RUN = """() => {
    document.getAnimations()
        .filter(moving => moving.effect.getComputedTiming().iterations !== Infinity)
        .forEach(moving => moving.finish());
    return axe.run(document, {resultTypes: ['violations'], reporter: 'v2', preload: false})
    .then(result => result.violations.map(found => ({
        id: found.id, impact: found.impact, help: found.help,
        nodes: found.nodes.slice(0, 5).map(
            node => node.target.join(' ') + ' ' + (node.any[0]?.message ?? '')),
        count: found.nodes.length,
    })))}"""


@functools.cache
def _source() -> str:
    return AXE.read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """Return the serious and critical accessibility faults of a page, one sentence each."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_source())
    faults = [one for one in page.evaluate(_RUN) if one["impact"] in GRAVE]
    return [
        f"{one['id']} ({one['impact']}): {one['help']}; {one['count']} x, such as "
        + "; ".join(one["nodes"])
        for one in faults
    ]
