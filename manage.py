#!/usr/bin/env python
"""The one door for operators: ``python manage.py <command>`` (commands: CONTRACT section 3).

A command uses the services of a running `make run`; when none runs, they are started for its
length. Both happen here, before Django opens its first connection.
"""

import contextlib
import os
import sys

# These need no database, or (`up`) bring it along.
NEED_NOTHING = {
    *("up", "help", "version", "check", "diffsettings", "findstatic", "collectstatic"),
    *("makemessages", "compilemessages", "spectacular", "roads_build"),
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lastmile.settings")
    from django.conf import settings
    from django.core.management import execute_from_command_line

    from lastmile.embedded.keeper import NoServices, services_in_use

    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    alone = not words or words[0] in NEED_NOTHING or {"-h", "--help"} & set(sys.argv)
    try:
        with contextlib.nullcontext() if alone else services_in_use(settings.VAR):
            execute_from_command_line(sys.argv)
    except NoServices as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
