"""Checks that all texts are translated: ``python -m tests.messages [--write]`` (``make messages``).

Without ``--write`` it prints the missing texts and exits with 1. With ``--write`` it adds new texts
to the catalogues (a person translates them), removes unused texts and compiles the catalogues. The
compiled files are committed, because many machines do not have msgfmt. With ``--write``, a missing
translation in a language that only shoppers read is printed but does not fail.
"""

from __future__ import annotations

import argparse
import os
import sys

import django

from tests.messages.catalogue import (
    LANGUAGES,
    SHOPPER_LANGUAGES,
    faults,
    merged,
    path_of,
    save,
)
from tests.messages.source import texts


def main(argv: list[str]) -> int:
    """Check every catalogue, and write it with ``--write``; return 1 if there are faults."""
    parser = argparse.ArgumentParser(prog="python -m tests.messages", description=__doc__)
    parser.add_argument("--write", action="store_true", help="merge and compile the catalogues")
    options = parser.parse_args(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lastmile.settings_test")
    django.setup()
    sources = texts()
    problems, later = list(sources.faults), []
    for language in (*LANGUAGES, *SHOPPER_LANGUAGES):
        if options.write:
            save(merged(sources, language), language)
        lines = [f"{path_of(language).name} ({language}): {x}" for x in faults(sources, language)]
        if options.write and language in SHOPPER_LANGUAGES:
            later += lines
        else:
            problems += lines
    for line in (*problems, *later):
        print(line)
    if problems or later:
        print(
            f"{len(problems) + len(later)} faults. Run `make messages WRITE=--write`, translate the"
            " empty texts in lastmile/locale/, and run it again. Commit the .po and the .mo."
        )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
