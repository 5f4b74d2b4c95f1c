#!/usr/bin/env python
"""The one door for operators: ``python manage.py <command>`` (commands: CONTRACT section 3)."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lastmile.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
