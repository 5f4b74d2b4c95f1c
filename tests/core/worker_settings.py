"""The settings of the real worker and beat in test_workers.py."""

from __future__ import annotations

import os

from lastmile import schedule
from lastmile.settings_test import *  # noqa: F403
from lastmile.settings_test import DATABASES

DATABASES["default"]["NAME"] = os.environ["WORKER_DATABASE"]
CELERY_BROKER_URL = os.environ["WORKER_BROKER"]
SWITCHBOARD = "tests.core.wired"
JOB_LEASE_S = 2  # sixty seconds by default
schedule.SCHEDULE["sweep"] = schedule.ScheduledTask("core.sweep", 1, "hot")
