"""A database for one campaign: the servers of a test run (no fsync), a copy of the template."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from lastmile.embedded.keeper import services_in_use
from tests.databases import copy_of, ensure_template


@contextmanager
def bench_database() -> Iterator[None]:
    """Use a fresh copy with the retailers t1 and t2."""
    try:
        with services_in_use(settings.VAR, durable=False), copy_of(ensure_template()):
            yield
    finally:
        shutil.rmtree(settings.DAYS_FOLDER, ignore_errors=True)
