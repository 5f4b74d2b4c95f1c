"""Are all texts translated? ``python -m tests.messages [--write]`` (``make messages``).

Without ``--write`` it says what is missing and exits with 1. With it, catalogues get the texts
they lack (to be translated by a person), lose those nobody says any more, and are compiled. The
compiled files are committed: a bare machine has no msgfmt.
"""

from __future__ import annotations

import argparse
import os
import sys

import django

from tests.messages.catalogue import LANGUAGES, faults, merged, path_of, save
from tests.messages.source import texts


def main(argv: list[str]) -> int:
    """Check every language, or write it; return 1 when something is to be done."""
    reader = argparse.ArgumentParser(prog="python -m tests.messages", description=__doc__)
    reader.add_argument("--write", action="store_true", help="merge and compile the catalogues")
    asked = reader.parse_args(argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lastmile.settings_test")
    django.setup()
    found = texts()
    wrong = list(found.faults)
    for language in LANGUAGES:
        if asked.write:
            save(merged(found, language), language)
        wrong += [f"{path_of(language).name} ({language}): {x}" for x in faults(found, language)]
    for line in wrong:
        print(line)
    if wrong:
        print(
            f"{len(wrong)} faults. Run `make messages WRITE=--write`, translate what is empty in "
            "lastmile/locale/, and run it again; commit the .po and the .mo."
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
