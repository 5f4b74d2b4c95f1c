"""Files of travel: shared, appended, replaced, deleted at any time, never half written."""

from __future__ import annotations

import datetime as dt
import errno
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest

from dispatch.planning.boards import files
from dispatch.planning.boards.files import Table, TravelFile, remove_day, remove_old
from dispatch.roads.network import Snaps

TODAY = dt.date(2026, 11, 24)


def table(*numbers: int) -> Table:
    """Return travel between places with these numbers, each different."""
    at = np.array(numbers)
    seconds = (at[:, None] * 1_000 + at).astype(np.int32)
    np.fill_diagonal(seconds, 0)
    snaps = Snaps(at.astype(np.int32), at / 1_000, at.astype(np.int32) * 2)
    return Table(np.stack([at / 100, at / 50], axis=1), seconds, seconds * 10, snaps)


def has(file: TravelFile, *numbers: int) -> bool:
    """Return True if the file has the travel between these places, and it is right."""
    stored, due = file.read(), table(*numbers)
    if stored is None:
        return False
    rows = stored.rows_of(due.degrees)
    if (rows < 0).any():
        return False
    part = stored.only(rows)
    assert part.seconds.tolist() == due.seconds.tolist()
    assert part.metres.tolist() == due.metres.tolist()
    assert part.snaps.edge.tolist() == due.snaps.edge.tolist()
    assert part.snaps.share.tolist() == due.snaps.share.tolist()
    assert part.snaps.away_m.tolist() == due.snaps.away_m.tolist()
    return True


def test_a_file_gives_back_what_was_saved_in_any_sequence(tmp_path: Path) -> None:
    file = TravelFile(tmp_path / "hub" / "file")
    assert file.read() is None
    file.save(table(1, 2, 3))
    assert has(file, 3, 1)
    assert not has(file, 1, 4)


def test_new_places_are_appended_to_the_same_file(tmp_path: Path) -> None:
    file = TravelFile(tmp_path / "file")
    file.save(table(1, 2, 3))
    inode = file.path.stat().st_ino
    file.save(table(4, 3, 2, 1, 5))
    assert has(file, 1, 2, 3, 4, 5)
    assert file.path.stat().st_ino == inode


def test_a_place_that_is_listed_twice_is_kept_once(tmp_path: Path) -> None:
    file = TravelFile(tmp_path / "file")
    file.save(table(1, 2, 2, 1))
    file.save(table(1, 1, 2, 3, 3))
    stored = file.read()
    assert stored is not None
    assert len(stored.degrees) == 3
    assert has(file, 3, 2, 1)


def test_places_that_are_gone_leave_when_the_file_is_replaced(tmp_path: Path) -> None:
    file = TravelFile(tmp_path / "file")
    file.save(table(1, 2, 3))
    file.save(table(2, 3, 4))
    assert has(file, 2, 3, 4)
    assert not has(file, 1)


def test_a_full_file_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SPARE", 1)
    file = TravelFile(tmp_path / "file")
    for most in range(2, 8):
        file.save(table(*range(1, most)))
        assert has(file, *range(1, most))


def test_every_byte_of_a_file_is_on_the_disk_before_it_is_mapped(tmp_path: Path) -> None:
    file = TravelFile(tmp_path / "file")
    file.save(table(*range(1, 200)))
    state = file.path.stat()
    assert state.st_blocks * 512 >= state.st_size > 300_000


@pytest.mark.parametrize("stored", [(), (1, 2, 3)])
def test_a_full_disk_costs_the_new_travel_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stored: tuple[int, ...]
) -> None:
    file = TravelFile(tmp_path / "file")
    if stored:
        file.save(table(*stored))

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    file.save(table(1, 2, 3, 4))
    assert not has(file, 4)
    assert has(file, *stored) is bool(stored)
    assert not list(tmp_path.glob(".new-*"))
    monkeypatch.undo()
    file.save(table(1, 2, 3, 4))
    assert has(file, 1, 2, 3, 4)


def test_a_mapped_table_stays_readable_after_its_file_was_deleted(tmp_path: Path) -> None:
    file = TravelFile(tmp_path / "file")
    file.save(table(1, 2, 3))
    stored = file.read()
    file.path.unlink()
    assert stored is not None
    assert stored.seconds.tolist() == table(1, 2, 3).seconds.tolist()
    assert file.read() is None
    file.save(table(1, 2))
    assert has(file, 1, 2)


@pytest.mark.parametrize("size", [0, 5, 64, 1_000])
def test_a_damaged_file_counts_as_missing_and_is_replaced(tmp_path: Path, size: int) -> None:
    file = TravelFile(tmp_path / "file")
    file.save(table(1, 2, 3))
    content = file.path.read_bytes()
    file.path.write_bytes(content[:size])
    assert file.read() is None
    file.path.write_bytes(b"x" * len(content))
    assert file.read() is None
    file.save(table(1, 2, 3))
    assert has(file, 1, 2, 3)


def test_a_place_whose_row_was_written_without_its_number_does_not_exist(tmp_path: Path) -> None:
    """Stop an append before the header, as a crash does."""
    file = TravelFile(tmp_path / "file")
    file.save(table(1, 2))
    arrays = files._Arrays(file.path, "r+")
    arrays.seconds[2, :3] = arrays.seconds[:3, 2] = 77
    arrays.flush()
    assert not has(file, 1, 2, 3)
    assert has(file, 1, 2)
    file.save(table(1, 2, 3))
    assert has(file, 1, 2, 3)


def test_a_folder_that_cannot_be_written_raises_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder")
    file = TravelFile(blocked / "file")
    file.save(table(1, 2))
    assert file.read() is None


def _save_many(path: str, first: int) -> None:
    for most in range(1, 15):
        TravelFile(Path(path)).save(table(*range(1, 30), *range(first, first + most)))


def test_processes_that_write_at_the_same_time_leave_a_valid_file(tmp_path: Path) -> None:
    file = TravelFile(tmp_path / "file")
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_save_many, args=(str(file.path), f)) for f in (100, 200)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        has(file, *range(1, 30))
        for writer in writers:
            writer.join(0.001)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert has(file, *range(1, 30))
    assert not list(tmp_path.glob(".new-*"))


def test_files_of_past_days_are_removed(tmp_path: Path) -> None:
    for days in (-9, -3, -1, 0, 5):
        date = TODAY + dt.timedelta(days=days)
        TravelFile(tmp_path / f"{date}@porto@000001.van-12").save(table(1, 2))
    (tmp_path / "notes").write_text("not a date")
    remove_old(tmp_path, TODAY)
    kept = {path.name[:10] for path in tmp_path.iterdir()}
    assert kept == {"2026-11-23", "2026-11-24", "2026-11-29", "notes"}
    remove_old(tmp_path / "missing", TODAY)


def test_the_files_of_one_day_are_removed_and_no_others(tmp_path: Path) -> None:
    for name in ("a@1.van-08", "a@1.bike-free", "b@1.van-08"):
        day = TODAY if name[0] == "a" else TODAY + dt.timedelta(days=1)
        TravelFile(tmp_path / f"{day}{name[1:]}").save(table(1, 2))
    remove_day(tmp_path, TODAY)
    kept = {path.name for path in tmp_path.iterdir() if path.suffix != ".lock"}
    assert kept == {f"{TODAY + dt.timedelta(days=1)}@1.van-08"}
    remove_day(tmp_path / "missing", TODAY)
