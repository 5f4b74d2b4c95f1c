"""Private files: read by their owner only, replaced in one step or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lastmile.core.private_files import write_private


def test_a_file_is_replaced_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "logins.txt"
    file.write_bytes(b"old")
    file.chmod(0o644)
    write_private(file, b"new")
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_failure_keeps_the_file_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "logins.txt"
    write_private(file, b"old")

    def full(*_arguments: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_private(file, b"new")
    assert file.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["logins.txt"]
