"""The solver's command line, used by people and by the planning worker (through ``child``).

    python -m dispatch.solver FILE [--seconds N | --iterations N] [--seed N] [--threads N]
                                   [--out FILE.sol|FILE.json] [--replay FILE.json]
                                   [--present FILE.json]

FILE is a Solomon, VRPLIB, Li & Lim or JSON file. ``-`` reads one line of JSON from standard
input, ``fd:N`` a packed problem from an open file. The command prints one JSON line {cost,
routes, feasible, seconds, startup_s, engine, seed, work, …}. ``--replay`` reads such a line and
repeats its work with the same iteration counts. With ``--stream``, lines of progress come first
and the last line contains the solution. The line ``stop`` on standard input then ends the search
with the best plan so far; at the end of standard input the command exits at once.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from dispatch.solver.engines.base import Progress
from dispatch.solver.formats import packed
from dispatch.solver.formats.json import (
    dumps,
    loads,
    problem_from_json,
    solution_to_json,
)
from dispatch.solver.formats.matrices import cells_without_way
from dispatch.solver.formats.text import CHOICES, Instance, parse, to_sol
from dispatch.solver.model.cost import UNIT
from dispatch.solver.solve import (
    ENGINES,
    Phase,
    Result,
    Steering,
    default_engines,
    replay,
    solve,
    work_json,
)
from lastmile.core.errors import Invalid

# Exit statuses
REFUSED: Final = 2  # the input is invalid
NO_MEMORY: Final = 12  # the number of ENOMEM
PARENT_GONE: Final = 13  # standard input was closed: the parent process does not wait any more
DEFAULT_SECONDS: Final = 10.0
CHUNK: Final = 1 << 20  # bytes read at once from standard input
NO_ORIGIN: Final = "not stated: all times are seconds from second 0 of the problem"


def main(argv: list[str] | None = None, *, began: float | None = None) -> int:
    """Run the command; return its exit status."""
    began = time.perf_counter() if began is None else began
    options = _parser().parse_args(argv)
    _limit(options)
    try:
        return _run(options, began)
    except Invalid as refusal:
        print(_refusal(refusal), file=sys.stderr)
        return REFUSED
    except MemoryError:
        os.write(2, b"Out of memory: raise the limit or split the problem.\n")
        return NO_MEMORY


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dispatch.solver", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "file", help="Solomon, VRPLIB, Li & Lim or JSON file; - for JSON on standard input"
    )
    parser.add_argument(
        "--seconds", type=float, help=f"seconds to search (default {DEFAULT_SECONDS:g})"
    )
    parser.add_argument("--iterations", type=int, help="iterations to search, instead of seconds")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the random numbers (default 0)"
    )
    parser.add_argument(
        "--threads", type=int, help="cores that the search may use (default: all available)"
    )
    parser.add_argument(
        "--engine", choices=sorted(ENGINES), help="engine to use (default: chosen by the problem)"
    )
    parser.add_argument(
        "--distances",
        choices=CHOICES,
        default="dimacs",
        help="cut to one decimal (default), rounded to whole numbers, or exact to a thousandth",
    )
    parser.add_argument(
        "--out", type=Path, help="write the plan: JSON if the name ends in .json, else VRPLIB"
    )
    parser.add_argument("--present", type=Path, help="start plan, a JSON file {vehicle: [visits]}")
    parser.add_argument(
        "--replay", type=Path, help="repeat the work of a line that this command printed"
    )
    parser.add_argument(
        "--stream", action="store_true", help="print progress, and the plan in the last line"
    )
    parser.add_argument("--memory-mb", type=int, help="largest address space of this process")
    parser.add_argument("--cpu-seconds", type=int, help="largest processor time of this process")
    parser.add_argument(
        "--nice", type=int, default=0, help="run at this priority or a lower one (0 to 19)"
    )
    return parser


def _limit(options: argparse.Namespace) -> None:
    """Limit the memory and time of this process, before it reads anything large."""
    if options.memory_mb is not None:
        room = options.memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
    if options.cpu_seconds is not None:
        seconds = options.cpu_seconds
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    if options.nice:
        level = max(options.nice, os.getpriority(os.PRIO_PROCESS, 0))
        os.setpriority(os.PRIO_PROCESS, 0, level)


def _run(options: argparse.Namespace, began: float) -> int:
    instance, stopped = _read(options)
    for name in [options.engine] if options.engine else default_engines(instance.problem):
        ENGINES[name]  # load the engine before the clock of the search starts
    gc.freeze()
    gc.enable()
    startup_s = time.perf_counter() - began
    if options.replay is not None:
        result = replay(instance.problem, _work(options.replay))
    else:
        count = options.iterations
        seconds = DEFAULT_SECONDS if options.seconds is None else options.seconds
        result = solve(
            instance.problem,
            seconds=seconds if count is None else None,
            iterations=count,
            seed=options.seed,
            engine=options.engine,
            threads=options.threads,
            steering=Steering(
                present=None if options.present is None else _start_plan(options.present),
                on_progress=_print_progress if options.stream else None,
                should_stop=stopped.is_set,
            ),
        )
    line = _summary(instance, result, startup_s)
    if options.out is not None:
        _write(options.out, result, line["cost"])
    if options.stream:
        line["solution"] = solution_to_json(result.solution)
    print(dumps(line), flush=True)
    return 0


def _read(options: argparse.Namespace) -> tuple[Instance, threading.Event]:
    """Read the problem; with ``--stream`` start the thread that waits for ``stop``."""
    stopped = threading.Event()
    if options.file == "-":
        line, rest = _first_line()
        instance = _of_json(loads(line))
        if options.stream:
            threading.Thread(target=_listen, args=(stopped, rest), daemon=True).start()
        return instance, stopped
    if options.file.startswith("fd:"):
        with os.fdopen(int(options.file[3:]), "rb") as file:
            instance = Instance(packed.read(file), 1, False)
        if options.stream:
            threading.Thread(target=_listen, args=(stopped, b""), daemon=True).start()
        return instance, stopped
    try:
        text = Path(options.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise Invalid(f"The file {options.file} cannot be read ({fault}).") from fault
    if text.lstrip().startswith("{"):
        return _of_json(loads(text)), stopped
    return parse(text, options.distances), stopped


def _of_json(data: Any) -> Instance:
    """Return a problem in JSON; its ``origin`` is the instant of second 0, if it states one."""
    origin = data.pop("origin", "") if isinstance(data, dict) else ""
    if origin:
        try:
            aware = dt.datetime.fromisoformat(origin).tzinfo is not None
        except (TypeError, ValueError):
            aware = False
        if not aware:
            raise Invalid(
                f"At /origin: give an instant with its offset, such as 2026-11-30T05:00:00+01:00, "
                f"not {str(origin)[:40]!r}."
            )
    return Instance(problem_from_json(data), 1, False, origin)


def _first_line() -> tuple[bytes, bytes]:
    """Read the first line from standard input; return it and the bytes read after it.

    This does not use the buffered reader: the listening thread would hold its lock when Python
    shuts down.
    """
    chunks: list[bytes] = []
    while chunk := os.read(0, CHUNK):
        end = chunk.find(b"\n")
        if end >= 0:
            return b"".join([*chunks, chunk[:end]]), chunk[end + 1 :]
        chunks.append(chunk)
    return b"".join(chunks), b""


def _listen(stopped: threading.Event, rest: bytes) -> None:
    """Wait for the line ``stop``; exit at once when standard input is closed."""
    while True:
        *lines, rest = rest.split(b"\n")
        if b"stop" in lines:
            stopped.set()
        chunk = os.read(0, CHUNK)
        if not chunk:
            os._exit(PARENT_GONE)
        rest += chunk


def _start_plan(path: Path) -> dict[str, list[str]]:
    """Read a start plan: visit ids by vehicle id."""
    try:
        data = loads(path.read_text(encoding="utf-8"))
        return {str(k): [str(visit) for visit in visits] for k, visits in data.items()}
    except (OSError, UnicodeDecodeError, AttributeError, TypeError) as fault:
        raise Invalid(f"{path} contains no start plan ({fault!r}).") from fault


def _work(path: Path) -> tuple[Phase, ...]:
    """Read the work of a printed line."""
    try:
        data = loads(path.read_text(encoding="utf-8"))
        return tuple(
            Phase(str(p["engine"]), int(p["seed"]), tuple(int(c) for c in p["counts"]))
            for p in data["work"]
        )
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as fault:
        raise Invalid(
            f"{path} contains no work to replay ({fault!r}). Give a line that this command printed."
        ) from fault


def _print_progress(progress: Progress) -> None:
    line: dict[str, Any] = {
        "seconds": round(progress.seconds, 3),
        "iterations": progress.iterations,
        "cost": progress.cost,
        "engine": progress.engine,
    }
    print(dumps({"progress": line}), flush=True)


def _summary(instance: Instance, result: Result, startup_s: float) -> dict[str, Any]:
    exact = result.cost.exact / (UNIT * instance.scale)
    return {
        "cost": round(exact, 3) if instance.scale > 1 else result.cost.total,
        "routes": len(result.solution.routes),
        "feasible": not (instance.asks_for_all and result.solution.unserved),
        "seconds": round(result.seconds, 3),
        "startup_s": round(startup_s, 3),
        "engine": result.engine,
        "seed": result.seed,
        "work": work_json(result.work),
        "unserved": len(result.solution.unserved),
        "co2_g": result.cost.co2_g,
        "stopped": result.stopped,
        **_remarks(instance),
    }


def _remarks(instance: Instance) -> dict[str, Any]:
    """Return what a reader of the answer must know about the problem, if anything."""
    closed = cells_without_way(instance.problem.profiles)
    remarks: dict[str, Any] = {"no_way": closed} if closed else {}
    if instance.origin is not None:
        remarks["origin"] = instance.origin or NO_ORIGIN
    return remarks


def _write(path: Path, result: Result, cost: float) -> None:
    if path.suffix == ".json":
        text = dumps(solution_to_json(result.solution)) + "\n"
    else:
        text = to_sol(result.solution, str(cost))
    path.write_text(text, encoding="utf-8")


def _refusal(refusal: Invalid) -> str:
    faults = [f"  {e.pointer}: {e.detail}" for e in refusal.errors]
    return "\n".join([refusal.detail, *faults])
