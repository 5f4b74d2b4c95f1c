"""The version of Lastmile's static files, as one folder name in their address.

Hashed file names would break ``import`` inside ES modules. So the hash is in the folder name:
``/static/<version>/js/loader.js``. Browsers may cache every file for ever, relative imports keep
working, and no collectstatic step is needed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path


def version(base: Path) -> str:
    """Return ten characters that change when a file in any ``static`` folder changes."""
    digest = hashlib.blake2b(digest_size=5)
    for folder in sorted([*base.glob("*/static"), *base.glob("*/*/static")]):
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            digest.update(str(file.relative_to(base)).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def never_changes(path: str, url: str) -> bool:
    """Return True: every file under a versioned address may be cached for ever (WhiteNoise)."""
    return True


def may_change(path: str, url: str) -> bool:
    """Return False: with DEBUG on, files change under the same address (WhiteNoise)."""
    return False
