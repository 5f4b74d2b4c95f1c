"""Data that is not part of the product: read where it lies beside the checkout, else skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent


def shared_data(name: str) -> Path:
    """Return the folder ``data/<name>`` of the shared data, or skip the test saying why."""
    said = os.environ.get("LASTMILE_SHARED")
    beside = [_ROOT.parent / "shared", _ROOT.parent.parent / "shared"]
    for base in [Path(said)] if said else beside:
        folder = base / "data" / name
        if folder.is_dir():
            return folder
    pytest.skip(f"the shared data {name!r} is not beside this checkout (LASTMILE_SHARED names it)")
