"""Our solver compared with others, on problems without a known best cost."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from tests.bench.solver_cases import load
from tests.bench.solver_measure import OURS, Run, measure_all
from tests.bench.solver_page import effort, peer_seeds, seeds, selected, table, write

HEADS = ["case", "wall", "Lastmile", "peer", "peer's at", "Lastmile below by %", "wanted", "routes",
         "CPU s", "MB", "peer's MB", "engine"]  # fmt: skip
# Half of the lead that the table demands over the best open peer, in points.
HALF_LEAD = {(400, 10): 0.4, (1000, 2): 7.0, (1000, 10): 2.9, (1000, 30): 1.05}


class Duel:
    """The rows of one part, collected case by case."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.rows: list[list[object]] = []
        self.runs: list[Run] = []
        self.said: list[str] = []

    def meet(
        self,
        case: str,
        seconds: float,
        *,
        peers: Sequence[Run] | None = None,
        at: float | None = None,
        want: str = "",
        best: bool = False,
        beside: str = "",
    ) -> None:
        """Run our solver and compare it with the peer's runs at their mark ``at``.

        ``best`` takes the peer's best seed instead of the mean. ``beside`` is appended to the
        figures.
        """
        at = seconds if at is None else at
        own_runs = measure_all(case, OURS, [seconds], seeds())
        if not own_runs:
            return
        peer_runs = list(peers or [])
        self.runs += [*own_runs, *(run for run in peer_runs if run not in self.runs)]
        own = mean(run.costs[seconds] for run in own_runs)
        costs = [run.costs[at] for run in peer_runs if at in run.costs]
        other = (min(costs) if best else mean(costs)) if costs else None
        less = None if other is None else 100 * (1 - own / other)
        _, cpu, memory = effort(own_runs)
        engines = ", ".join(sorted({run.engine for run in own_runs}))
        self.rows.append(
            [case, f"{seconds:g} s", own, other, f"{at:g} s", less, want,
             f"{mean(r.routes for r in own_runs):.1f}", cpu, memory, effort(peer_runs)[2], engines]
        )  # fmt: skip
        answer = "no answer" if other is None else f"{other:,.2f}"
        lead = "" if less is None else f" ({less:+.2f} % below)"
        self.said.append(f"{case} {seconds:g} s: {own:,.2f}, {self.peer} {answer}{lead}{beside}")

    def write(self, part: str, text: str, more: str = "") -> str:
        """Write the part's section; return its line of figures."""
        write(part, f"{text}\n\n{table(HEADS, self.rows)}{more}", self.runs)
        return "; ".join(self.said)


def porto() -> str:
    """Compare on real asymmetric times, two loads, three types of vehicle; equal wall time."""
    duel = Duel("PyVRP")
    for objective in ("distance", "money", "mixed"):
        for count, budgets in ((400, (2.0, 10.0)), (1000, (2.0, 10.0, 30.0))):
            case = f"porto/{count}/{objective}"
            if not selected(case):
                continue
            peers = measure_all(case, "pyvrp", budgets, peer_seeds())
            for seconds in budgets:
                half = HALF_LEAD.get((count, int(seconds)))
                duel.meet(case, seconds, peers=peers, want="" if half is None else f"{half:g}")
    return duel.write(
        "porto",
        "## Streets of Greater Porto\n\nAsymmetric times and metres over the streets, windows, "
        "kilograms and litres, three types of vehicle; by distance (km), by money (vehicle, km, "
        "hour; in whole money), mixed (money; a third on bicycles with a matrix of their own). "
        "PyVRP, mean of the same seeds. Wanted: half of the lead that the issue's table demands.",
    )


def pairs() -> str:
    """Compare on pickup and delivery by distance in double precision; PyVRP uses shipments."""
    duel = Duel("PyVRP")
    records = []
    for name in ("lr108", "lc104", "lrc1_2_3"):
        case = f"pairs/{name}"
        if not selected(case):
            continue
        peers = measure_all(case, "pyvrp", [2, 10], peer_seeds())
        for seconds in (2.0, 10.0):
            duel.meet(case, seconds, peers=peers, want="0 or more")
        records.append(f"{name} {load(case).best:,.2f}")
    return duel.write(
        "pairs",
        "## Pickup and delivery (Li & Lim)\n\nDistance alone, in double precision. The field's "
        f"records take the fewest vehicles first and are no bound here: {', '.join(records)}.",
    )


def city() -> str:
    """Compare on synthetic cities of 5,000 and 10,000 stops, also with many hubs."""
    duel = Duel("PyVRP")
    for case in ("metro/5000", "city/5000", "hubs/5000"):
        if selected(case):
            chosen = range(1, 2) if case.startswith("hubs") else peer_seeds()
            peers = measure_all(case, "pyvrp", [60.0], chosen)
            duel.meet(case, 60.0, peers=peers, want="12 or more")
    for case in ("metro/10000", "city/10000"):
        runs = measure_all(case, OURS, [300], [1]) if selected(case) else []
        duel.runs += runs
        for run in runs:
            duel.rows.append(
                [case, "300 s", run.last, None, "–", None, "under 2 GB", run.routes,
                 f"{run.cpu_s:.0f}", f"{run.rss_mb:.0f}", "–", run.engine]
            )  # fmt: skip
            duel.said.append(f"{case} 300 s: {run.last:,.0f}, {run.rss_mb:.0f} MB")
    return duel.write(
        "city",
        "## Cities of 5,000 and 10,000 stops\n\nSynthetic and seeded: a 30 km square, 25 "
        "clusters, room for 150, two of five stops with two-hour windows in a nine-hour day; the "
        "cost is seconds of travel. `city`: 8 m/s, two minutes a stop, clusters 1.2 km wide; "
        "`hubs`: the same, the vehicles start at five hubs; `metro`: 5.5 m/s, five minutes a "
        "stop, clusters 2.1 km wide, so that PyVRP reaches the cost of another city of this "
        "description.",
    )


def real() -> str:
    """Compare Amazon routes with OR-Tools and the driver, and LoggiBUD days with PyVRP."""
    amazon = Duel("OR-Tools")
    for name in ("DLA8", "DBO2", "DCH4"):
        case = f"amazon/{name}"
        if selected(case):
            peers = measure_all(case, "ortools", [4], [0])
            driven = load(case).known["driver"]
            driver = f"driver {driven:.1f} km"
            amazon.meet(case, 4, peers=peers, want=f"-5 or more; {driver}", beside=f", {driver}")
    brasilia = Duel("PyVRP")
    for day in ("0", "4", "11", "22", "33"):
        case = f"loggibud/{day}"
        if selected(case):
            peers = measure_all(case, "pyvrp", [30, 60], peer_seeds())
            published = load(case).best
            published_text = f"published {published:,.1f} km"
            brasilia.meet(
                case, 30, peers=peers, at=60, want=f"-2 or more; {published_text}", best=True,
                beside=f", {published_text}",
            )  # fmt: skip
    amazon.runs += brasilia.runs
    amazon.said += brasilia.said
    return amazon.write(
        "real",
        "## Real routes\n\nKilometres over great circles, hub to hub. Amazon: one route a station, "
        "against OR-Tools at 4 s and the order the driver took, priced in the same way; windows "
        "and volumes left out for all three.",
        more=(
            "\nLoggiBUD: Lastmile at 30 s, the best seed of PyVRP at 60 s and the lowest "
            "published plan. `published_costs.csv` re-prices the published plans over great "
            "circles; they were made to be short on streets, so this favours solvers that minimise "
            "great circles.\n\n" + table(HEADS, brasilia.rows)
        ),
    )
