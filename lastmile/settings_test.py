"""Settings of the test run: the throw-away servers under var/test, a fast hasher, Null twins.

The addresses follow from the checkout's place alone, so this file may be loaded before
tests/conftest.py has started the servers (pytest-django loads it first).
"""

from __future__ import annotations

import os
from pathlib import Path

for _name in ("DATABASE_URL", "BROKER_URL", "CACHE_URL", "CHANNEL_URL", "MIGRATOR_DATABASE_URL",
              "FIELD_KEYS", "FIELD_KEYS_FILE", "DEBUG", "BASE_DOMAIN", "PUBLIC_SCHEME",
              "PORT"):  # fmt: skip
    os.environ.pop(_name, None)
# Never the data of `make run`, wherever LASTMILE_VAR points.
os.environ["LASTMILE_VAR"] = str(Path(__file__).resolve().parent.parent / "var" / "test")

from lastmile.settings import *  # noqa: E402, F403
from lastmile.settings import CACHES, CHANNEL_LAYERS, DATABASES  # noqa: E402

# Runs of the suite at the same time share the servers, never the keys.
_RUN = f"test{os.getpid()}"
CACHES["default"]["KEY_PREFIX"] = _RUN
CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = _RUN  # type: ignore[index]
# The tests' database is made and dropped by one thread: a pool would hold it open.
DATABASES["default"]["OPTIONS"].pop("pool", None)

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_BROKER_URL = "memory://"  # hints go nowhere: tests/drain.py does the work that waits
WHITENOISE_AUTOREFRESH = True
