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
    *("up", "child", "help", "version", "check", "diffsettings", "findstatic", "collectstatic"),
    *("makemessages", "compilemessages", "spectacular", "roads_build"),
}
# These make or change schemas, which the run-time role may not.
NEED_THE_OWNER = {"prepare", "migrate_house", "retailer_open", "retailer_close", "seed_demo"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lastmile.settings")
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    owner = os.environ.get("MIGRATOR_DATABASE_URL")
    if owner and NEED_THE_OWNER & set(words[:1]):
        os.environ["DATABASE_URL"] = owner  # before the settings read it
    from django.conf import settings
    from django.core.management import execute_from_command_line

    from lastmile.embedded.keeper import NoServices, services_in_use

    alone = not words or words[0] in NEED_NOTHING or {"-h", "--help"} & set(sys.argv)
    try:
        with contextlib.nullcontext() if alone else services_in_use(settings.VAR):
            execute_from_command_line(sys.argv)
    except NoServices as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
