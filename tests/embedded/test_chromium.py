"""Chromium is found or reported as missing; in CI a skipped browser test fails the run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import chromium
from tests.embedded.helpers import ROOT

SUITE = """
import pytest
pytest_plugins = ["tests.chromium"]
@pytest.mark.browser
def test_page(): pass
@pytest.mark.skip(reason="shared data is not here")
def test_excused(): pass
@pytest.mark.skipif({lazy}, reason="lazy")
def test_lazy(): pass
"""


def run(
    folder: Path, environment: dict[str, str], *, lazy: bool
) -> subprocess.CompletedProcess[str]:
    (folder / "test_one.py").write_text(SUITE.format(lazy=lazy))
    inherited = {n: v for n, v in os.environ.items() if n not in {"CHROMIUM", "REQUIRE_BROWSER"}}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:django", "-p", "no:cacheprovider",
         "-c", os.devnull, "--rootdir", str(folder), str(folder)],
        cwd=ROOT,
        env={**inherited, **environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which another program is used as Chromium."""
    program = tmp_path / "chromium"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return {"CHROMIUM": str(program)}


def test_chromium_is_named_or_refused_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, nowhere: dict[str, str]
) -> None:
    monkeypatch.setenv("CHROMIUM", nowhere["CHROMIUM"])
    assert chromium.find() == nowhere["CHROMIUM"]
    monkeypatch.setenv("CHROMIUM", "/no/such/file")
    with pytest.raises(pytest.UsageError, match="Unset it, or correct it"):
        chromium.find()


def test_an_unexpected_skip_fails_the_run_only_where_everything_must_run(
    tmp_path: Path, nowhere: dict[str, str]
) -> None:
    must = {**nowhere, "REQUIRE_BROWSER": "1"}
    refused = run(tmp_path, must, lazy=True)
    assert refused.returncode == 1
    named = [line for line in refused.stdout.splitlines() if line.startswith("UNEXPECTED SKIP")]
    assert len(named) == 1
    assert named[0].endswith("test_lazy: lazy")
    assert run(tmp_path, must, lazy=False).returncode == 0
