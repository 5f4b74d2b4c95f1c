#!/usr/bin/env python
"""The command line: ``python manage.py COMMAND``; ``python manage.py help`` lists the commands.

A command uses the services of a running ``make run``. If none runs, this script starts PostgreSQL
and Valkey before the command and stops them after it.
"""

import contextlib
import os
import sys

# These need no database, or start it themselves (`up`).
NEED_NOTHING = {
    *("up", "child", "help", "version", "check", "diffsettings", "findstatic", "collectstatic"),
    *("makemessages", "compilemessages", "spectacular", "roads_build"),
}
# These create or change schemas. The database role of the running installation may not do that.
NEED_THE_OWNER = {"prepare", "migrate_house", "retailer_open", "retailer_close", "seed_demo"}


def main() -> None:
    """Run the command, with the services that it needs."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lastmile.settings")
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    owner = os.environ.get("MIGRATOR_DATABASE_URL")
    if owner and NEED_THE_OWNER & set(words[:1]):
        os.environ["DATABASE_URL"] = owner  # before the settings read it
    from django.conf import settings

    from lastmile.commands import execute
    from lastmile.embedded.keeper import NoServices, services_in_use

    alone = not words or words[0] in NEED_NOTHING or {"-h", "--help"} & set(sys.argv)
    try:
        with contextlib.nullcontext() if alone else services_in_use(settings.VAR):
            execute(sys.argv)
    except NoServices as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
