"""A new process of the campaign ``slots_latency``: it reads its task from its standard input."""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lastmile.settings_test")
django.setup()

from tests.bench.slots_latency import work  # noqa: E402 - its models need the settings

if __name__ == "__main__":
    work(sys.stdin)
