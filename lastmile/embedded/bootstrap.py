"""Creates .venv and installs a requirements file with hashes into it; the Makefile runs it.

    python3 lastmile/embedded/bootstrap.py requirements.txt

It runs with any Python >= 3.11 and uses the standard library only. A stamp file in .venv has the
hash of the installed file; if it matches, nothing is installed. It installs with uv, or with pip if
uv cannot be used. Then it compiles the solver if the solver's sources have changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)
LOCKS = [ROOT / "requirements.txt"]
ROADS = ROOT / "dispatch" / "roads" / "sweep.py"


def main(lock: str) -> None:
    """Create or update .venv for a requirements file, and compile the solver."""
    current = digest([ROOT / lock])
    stamp = VENV / f"installed-{lock}"
    if not (runs(PYTHON) and stamp.exists() and stamp.read_text() == current):
        if not runs(PYTHON):
            make_venv()
        print(f"Installing {lock} into {VENV} …", flush=True)
        install(lock)
        stamp.write_text(current)
    compile_solver()


def digest(files: list[Path]) -> str:
    """Return a short hash of the contents of some files."""
    hashed = hashlib.sha256()
    for file in files:
        hashed.update(file.read_bytes())
    return hashed.hexdigest()[:20]


def compile_solver() -> None:
    """Compile the solver for this machine, so that the first plan does not have to wait for it."""
    current = digest([*sorted((ROOT / "dispatch" / "solver").rglob("*.py")), ROADS, *LOCKS])
    stamp = VENV / "compiled-solver"
    if stamp.exists() and stamp.read_text() == current:
        return
    print("Compiling the solver …", flush=True)
    completed = subprocess.run([str(PYTHON), "-m", "dispatch.roads.warm"], cwd=ROOT, check=False)
    if completed.returncode == 0:
        stamp.write_text(current)
    else:
        print("Compiling failed; the first plan will take half a minute longer.", flush=True)


def runs(python: Path) -> bool:
    """Return True if this interpreter starts and is new enough."""
    if not python.exists():
        return False
    completed = subprocess.run(
        [str(python), "-c", "import sys, pip; print(sys.version_info >= (3, 11))"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return completed.stdout.strip() == "True"


def make_venv() -> None:
    """Create .venv. On Debian without ensurepip, install it if root, else exit with the remedy."""
    if sys.version_info < OLDEST:
        sys.exit(
            f"Lastmile needs Python 3.11 or newer; this is {sys.version.split()[0]}. "
            "Use a newer one: make run PYTHON=python3.12"
        )
    if not has_ensurepip():
        remedy = f"apt-get install -y python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            sys.exit(f"Python's venv module is incomplete. Run: {remedy}")
        print(f"Python's venv module is incomplete. Running: {remedy}", flush=True)
        subprocess.run(["apt-get", "update", "-q"], check=False)
        if subprocess.run(remedy.split(), check=False).returncode != 0:
            sys.exit(f"That failed. Install Python's venv module and start again: {remedy}")
    if VENV.exists():
        print(f"{VENV} does not work on this machine; creating it again.", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)


def has_ensurepip() -> bool:
    """Return True if `python -m venv` can install pip."""
    completed = subprocess.run(
        [sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False
    )
    return completed.returncode == 0


def install(lock: str) -> None:
    """Install a requirements file with uv, or with pip if uv fails."""
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    hashed = ["--require-hashes", "-r"]
    got_uv = subprocess.run([*pip, *hashed, str(ROOT / "requirements-install.txt")], check=False)
    if got_uv.returncode == 0:
        uv = [str(VENV / "bin" / "uv"), "pip", "install", "-q", "--python", str(PYTHON)]
        done = subprocess.run([*uv, *hashed, str(ROOT / lock)], env=uv_environment(), check=False)
        if done.returncode == 0:
            return
    print("uv could not install the packages; trying pip, which takes some minutes.", flush=True)
    if subprocess.run([*pip, *hashed, str(ROOT / lock)], check=False).returncode != 0:
        sys.exit(
            f"{lock} could not be installed; see pip's messages above. Usually the package index "
            "cannot be reached: set PIP_INDEX_URL to another one."
        )


def uv_environment() -> dict[str, str]:
    """Return the environment for uv with pip's package index, since uv does not read pip.conf."""
    environment = dict(os.environ)
    completed = subprocess.run(
        [str(PYTHON), "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    index = os.environ.get("PIP_INDEX_URL") or completed.stdout.strip()
    if index:
        environment.setdefault("UV_DEFAULT_INDEX", index)
    return environment


if __name__ == "__main__":
    main(sys.argv[1])
