"""A slice of the campaign ``slots_marginal``: an offered cost is the rise of the plan's cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import slots_marginal
from tests.bench.slots_marginal import (
    TOLERANCE,
    Case,
    Journal,
    cases_of,
    day,
    problems,
    solved_again,
    summary,
    summary_resolved,
    vars_of,
)

pytestmark = pytest.mark.usefixtures("retailer")


@pytest.mark.parametrize("block", [0, 1])
def test_an_offered_cost_is_the_rise_of_the_plan(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots_marginal, "ARRANGE_S", 0.3)
    cases = list(cases_of(day(block, orders=24, streets=False), block, 12))
    assert len(cases) == 12
    assert all(case.error <= max(TOLERANCE * case.rise, 0.5 + 1e-6) for case in cases)
    assert len({case.offered for case in cases}) > 4
    assert "12 offers held" in summary([{"cases": [vars_of(case) for case in cases]}])


def test_both_plans_are_solved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots_marginal, "ARRANGE_S", 0.3)
    rows = [solved_again(*both, 0.3) for both in problems(day(3, orders=8, streets=False), 2)]
    assert len(rows) == 2
    assert all(row["plan"] > 0 for row in rows)
    assert "solved again" in summary_resolved(rows)


def test_a_wrong_cost_would_be_noticed() -> None:
    assert Case(offered=110, without=1_000.0, with_visit=1_100.0).error == 10


def test_a_stopped_campaign_goes_on_behind_its_last_row(tmp_path: Path) -> None:
    Journal(tmp_path / "rows").add({"a": 1})
    again = Journal(tmp_path / "rows")
    again.add({"a": 2})
    assert Journal(tmp_path / "rows").rows == [{"a": 1}, {"a": 2}]
