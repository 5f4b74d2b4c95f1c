"""Settings for the tests: temporary servers under var/test and a fast password hasher.

The server addresses depend on the checkout's folder only. So pytest-django may load this file
before tests/conftest.py has started the servers.
"""

from __future__ import annotations

import os
from pathlib import Path

for _name in ("DATABASE_URL", "BROKER_URL", "CACHE_URL", "CHANNEL_URL", "MIGRATOR_DATABASE_URL",
              "FIELD_KEYS", "FIELD_KEYS_FILE", "DEBUG", "BASE_DOMAIN", "PUBLIC_SCHEME",
              "PORT", "PUBLIC_PORT", "TWILIO_ACCOUNT_SID", "TWILIO_API_KEY", "TWILIO_API_SECRET",
              "TWILIO_AUTH_TOKEN", "TWILIO_MESSAGING_SERVICE_SID", "TWILIO_API_BASE"):  # fmt: skip
    os.environ.pop(_name, None)
# Tests never use the data of `make run`, even if LASTMILE_VAR is set.
os.environ["LASTMILE_VAR"] = str(Path(__file__).resolve().parent.parent / "var" / "test")

from lastmile.settings import *  # noqa: E402, F403
from lastmile.settings import CACHES, CHANNEL_LAYERS, DATABASES, VAR  # noqa: E402

# Test runs at the same time share the servers, but each has its own key prefix.
_RUN = f"test{os.getpid()}"
CACHES["default"]["KEY_PREFIX"] = _RUN
CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = _RUN  # type: ignore[index]
# One thread creates and drops the test database; a connection pool would keep it open.
DATABASES["default"]["OPTIONS"].pop("pool", None)
# Most tests run in one transaction, in which a slow machine may compute for a long time.
DATABASES["default"]["OPTIONS"]["options"] += " -c idle_in_transaction_session_timeout=300s"

DAYS_FOLDER = VAR / "days" / _RUN

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_BROKER_URL = "memory://"  # nobody reads the hints: tests/drain.py runs the waiting work
WHITENOISE_AUTOREFRESH = True
TELL_POSITIONS = False  # the thread could not see rows of a test that are not committed
