"""Shared data beside the checkout, which is not part of the product; without it tests skip."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent


def shared_data(name: str) -> Path:
    """Return the folder ``data/<name>`` of the shared data, or skip the test saying why."""
    named = os.environ.get("LASTMILE_SHARED")
    beside = [_ROOT.parent / "shared", _ROOT.parent.parent / "shared"]
    for base in [Path(named)] if named else beside:
        folder = base / "data" / name
        if folder.is_dir():
            return folder
    pytest.skip(f"the shared data {name!r} is not beside this checkout (LASTMILE_SHARED names it)")
