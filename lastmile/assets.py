"""The version of the house's own static files, as one word in their address.

Hashed file names would break ``import`` inside ES modules, so the hash stands in the folder:
``/static/<version>/js/loader.js``. Every file may then be cached for ever, relative imports stay
true, and there is no collectstatic step.
"""

from __future__ import annotations

import hashlib
from pathlib import Path


def version(base: Path) -> str:
    """Ten letters that change when any file in any ``static`` folder of the tower changes."""
    digest = hashlib.blake2b(digest_size=5)
    for folder in sorted([*base.glob("*/static"), *base.glob("*/*/static")]):
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            digest.update(str(file.relative_to(base)).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def never_changes(path: str, url: str) -> bool:
    """WhiteNoise asks per file: everything under a versioned address may be kept for ever."""
    return True


def may_change(path: str, url: str) -> bool:
    """While developing, the address stays and the file changes."""
    return False
