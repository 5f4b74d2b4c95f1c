"""Tests of the ASGI entry point."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
import lastmile.asgi
from django.conf import settings
print(*(name in sys.modules for name in (settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF)))
"""


def test_a_server_loads_its_views_before_the_first_request() -> None:
    command = [sys.executable, "-c", SCRIPT]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert output.split()[-2:] == ["True", "True"]
