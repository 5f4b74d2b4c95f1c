"""Makes .venv and installs a hash-locked list into it; run by the Makefile with any Python >= 3.11.

    python3 lastmile/embedded/bootstrap.py requirements.txt

Standard library alone. Does nothing when this very list is installed already: a stamp in .venv
carries the list's hash. Installs with uv, which is itself installed by hash, else with pip. Then
compiles the solver, where its sources have changed since.
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


def main(lock: str) -> None:
    """Bring .venv to the state that the lock describes."""
    wanted = digest([ROOT / lock])
    stamp = VENV / f"installed-{lock}"
    if not (runs(PYTHON) and stamp.exists() and stamp.read_text() == wanted):
        if not runs(PYTHON):
            make_venv()
        print(f"Installing {lock} into {VENV} …", flush=True)
        install(lock)
        stamp.write_text(wanted)
    compile_solver()


def digest(files: list[Path]) -> str:
    """Return a short hash of some files' contents."""
    found = hashlib.sha256()
    for file in files:
        found.update(file.read_bytes())
    return found.hexdigest()[:20]


def compile_solver() -> None:
    """Compile the solver for this machine; without it the first plan would wait for that."""
    wanted = digest([*sorted((ROOT / "dispatch" / "solver").rglob("*.py")), *LOCKS])
    stamp = VENV / "compiled-solver"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("Compiling the solver …", flush=True)
    done = subprocess.run([str(PYTHON), "-m", "dispatch.solver.warm"], cwd=ROOT, check=False)
    if done.returncode == 0:
        stamp.write_text(wanted)
    else:
        print("That failed; the first plan will take half a minute longer.", flush=True)


def runs(python: Path) -> bool:
    """Say whether this interpreter starts and is new enough."""
    if not python.exists():
        return False
    asked = subprocess.run(
        [str(python), "-c", "import sys, pip; print(sys.version_info >= (3, 11))"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return asked.stdout.strip() == "True"


def make_venv() -> None:
    """Create .venv; where Debian left ensurepip out, fetch it as root, else say how."""
    if sys.version_info < OLDEST:
        sys.exit(
            f"Lastmile needs Python 3.11 or newer; this is {sys.version.split()[0]}. "
            "Name a newer one: make run PYTHON=python3.12"
        )
    if not has_ensurepip():
        remedy = f"apt-get install -y python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            sys.exit(f"Python's venv module is not complete here. Run: {remedy}")
        print(f"Python's venv module is not complete here. Running: {remedy}", flush=True)
        subprocess.run(["apt-get", "update", "-q"], check=False)
        if subprocess.run(remedy.split(), check=False).returncode != 0:
            sys.exit(f"That failed. Install Python's venv module, then start again: {remedy}")
    if VENV.exists():
        print(f"{VENV} does not run here; making it anew.", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)


def has_ensurepip() -> bool:
    """Say whether `python -m venv` can bring pip along."""
    asked = subprocess.run(
        [sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False
    )
    return asked.returncode == 0


def install(lock: str) -> None:
    """Install with uv; with pip where uv cannot be had or cannot reach the packages."""
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
            f"{lock} could not be installed; pip's lines above say why. "
            "Most often the package index cannot be reached: set PIP_INDEX_URL to one that can."
        )


def uv_environment() -> dict[str, str]:
    """Return the environment for uv, with pip's index where one is set: uv reads no pip.conf."""
    surroundings = dict(os.environ)
    asked = subprocess.run(
        [str(PYTHON), "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    index = os.environ.get("PIP_INDEX_URL") or asked.stdout.strip()
    if index:
        surroundings.setdefault("UV_DEFAULT_INDEX", index)
    return surroundings


if __name__ == "__main__":
    main(sys.argv[1])
