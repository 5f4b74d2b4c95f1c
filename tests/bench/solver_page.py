"""SOLVER.md and its plots; every part of the campaign rewrites its own section."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean

import matplotlib as mpl
from matplotlib.figure import Figure

from tests.bench.__main__ import commit, machine
from tests.bench.solver_measure import OURS, Run

PAGE = Path(__file__).with_name("SOLVER.md")
PLOTS = Path(__file__).with_name("plots")
ORDER = ("table", "porto", "pairs", "city", "real", "insertion", "redispatch")
HEAD = """# The solver, measured

Written by `make proof solver` (a part alone: `make proof solver_table`, `solver_porto` …); do not
edit. Each search runs in a process of its own, one after the other, on the same machine with the
same seconds of wall clock. Lastmile and VROOM use both cores, PyVRP and OR-Tools one, as delivered.
A peer's model is built before its clock starts, Lastmile's after. Every answer passes
`referee/check.py` and a second referee that shares no code with it (`solver_recost.py`) and reads
the benchmark files again.
"""


def write(part: str, text: str, runs: Iterable[Run]) -> None:
    """Put a part's section into the page, with the commit and the machine it was measured on."""
    sections_by_part = dict(
        re.findall(r"<!-- part (\w+) -->\n(.*?)<!-- end -->\n", _page(), flags=re.DOTALL)
    )
    at = os.environ.get("COMMIT") or commit()
    sections_by_part[part] = f"{text.strip()}\n\nMeasured at {at}, {machine()}.{_quiet(runs)}\n"
    sections = [
        f"<!-- part {p} -->\n{sections_by_part[p]}<!-- end -->\n"
        for p in ORDER
        if p in sections_by_part
    ]
    PAGE.write_text("\n".join([HEAD, *sections]), encoding="utf-8")


def _quiet(runs: Iterable[Run]) -> str:
    """Return how much CPU the searches got."""
    shares: dict[str, list[float]] = {}
    for run in runs:
        shares.setdefault(run.who, []).append(run.cpu_s / max(run.wall_s, 0.001))
    summary = ", ".join(f"{label(who)} {mean(shares_of):.2f}" for who, shares_of in shares.items())
    return f" CPU seconds a second of search, on the mean: {summary}." if summary else ""


def _page() -> str:
    return PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; None is a dash, floats have two decimals."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def label(who: str) -> str:
    """Return a solver's name on the page."""
    return "Lastmile" if who == OURS else who


def seeds() -> range:
    """Return the seeds of a campaign; SEEDS is their number, three by default."""
    return range(1, int(os.environ.get("SEEDS", "3")) + 1)


def peer_seeds() -> range:
    """Return the peers' seeds; PEER_SEEDS is their number, by default that of the campaign."""
    return range(1, int(os.environ.get("PEER_SEEDS", str(len(seeds())))) + 1)


def selected(label: str) -> bool:
    """Return True unless ONLY is set and none of its words is in this case's label."""
    only = [word for word in os.environ.get("ONLY", "").split(",") if word]
    return not only or any(word in label for word in only)


def effort(runs: Sequence[Run]) -> tuple[str, str, str]:
    """Return mean wall and CPU seconds and the highest memory of some runs."""
    if not runs:
        return "–", "–", "–"
    return (
        f"{mean(r.wall_s for r in runs):.1f}",
        f"{mean(r.cpu_s for r in runs):.1f}",
        f"{max(r.rss_mb for r in runs):.0f}",
    )


def plot(name: str, title: str, curves: dict[str, dict[float, float]]) -> str:
    """Draw gap over time, both logarithmic, to plots/NAME.svg; return its Markdown link.

    Parameters
    ----------
    curves : dict
        By solver: mean gap in per cent by seconds.
    """
    mpl.rcParams |= {"svg.hashsalt": "lastmile", "svg.fonttype": "none"}
    figure = Figure(figsize=(5.2, 3.2), layout="constrained")
    axes = figure.subplots()
    for who, points in curves.items():
        at = sorted(points)
        strong = who == OURS
        axes.plot(
            at,
            [max(points[t], 0.005) for t in at],
            marker="o" if strong else "s",
            markersize=4,
            linewidth=2.2 if strong else 1.2,
            label=label(who),
        )
    axes.set(xscale="log", yscale="log", xlabel="seconds", ylabel="gap %", title=title)
    times = sorted({t for points in curves.values() for t in points})
    axes.set_xticks(times, [f"{t:g}" for t in times])
    axes.minorticks_off()
    axes.grid(visible=True, linewidth=0.4)
    axes.legend(fontsize=8)
    PLOTS.mkdir(exist_ok=True)
    figure.savefig(PLOTS / f"{name}.svg", metadata={"Date": None})
    return f"![{title}](plots/{name}.svg)\n"
