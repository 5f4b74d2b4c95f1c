"""Files with secrets or personal data: only their owner can read them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private(file: Path, content: bytes) -> None:
    """Write or replace a file in one step; it is on the disk when this returns.

    Nobody else can read it at any moment. The folder must exist.
    """
    handle, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)  # mkstemp: mode 600
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
