"""Runs one search in a child process, with the installation's memory limit and a share of cores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from django.conf import settings

from dispatch.solver.engines.base import Progress
from dispatch.solver.model.problem import Problem
from dispatch.solver.process.child import Limits, run
from dispatch.solver.process.cores import share_cores, usable
from dispatch.solver.solve import Result, Steering
from lastmile.core.tenancy import current_schema


def search(
    problem: Problem,
    *,
    seconds: float,
    seed: int,
    present: Mapping[str, Sequence[str]] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    most_threads: int | None = None,
) -> Result:
    """Solve a problem in a child process. A failure of the child is raised as ``SolveFailed``.

    Parameters
    ----------
    present : mapping of vehicle id to visit ids, optional
        A plan to start from.
    most_threads : int, optional
        Cores that the search may use at most; None: its share of all cores.
    """
    with share_cores(settings.SOLVING_FOLDER, current_schema(), machine_cores()) as cores:
        threads = min(cores.threads, most_threads or cores.threads)
        return run(
            problem,
            seconds=seconds,
            seed=seed,
            limits=Limits(
                memory_mb=settings.LIMIT_SOLVE_MEMORY_MB,
                threads=threads,
                core_share=cores,
            ),
            steering=Steering(present, on_progress, should_stop),
        )


def machine_cores() -> tuple[int, ...]:
    """Return the cores that searches may use: the last ``SOLVE_CORES`` ones, or all."""
    cores = usable()
    return cores[-settings.SOLVE_CORES :] if settings.SOLVE_CORES else cores
