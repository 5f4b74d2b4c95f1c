"""Build a street network of the installation from a file of streets."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dispatch.roads import osm
from dispatch.roads.build import Origin, build
from lastmile.core.errors import DomainError


class Command(BaseCommand):
    help = "Build a street network from FILE; hubs name it, every retailer shares it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="an OpenStreetMap extract (.osm.pbf)")
        parser.add_argument("--name", help="name of the network; default: the file's name")
        parser.add_argument("--title", default="", help="what people call the place")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        if not file.is_file():
            raise CommandError(f"{file} is no file. Give the path of a .osm.pbf extract.")
        name = options["name"] or file.name.split(".")[0].lower().replace(" ", "-")
        started = time.monotonic()

        def said(text: str) -> None:
            print(f"{time.monotonic() - started:6.1f} s  {text}", file=sys.stderr, flush=True)

        try:
            said(f"Reading {file.name}.")
            info = build(
                osm.read(file, said),
                name=name,
                origin=Origin(title=options["title"] or name, source=file.name),
                var=settings.VAR,
                said=said,
            )
        except (ValueError, DomainError) as fault:
            raise CommandError(str(fault)) from fault
        if options["json"]:
            took = round(time.monotonic() - started, 2)
            print(json.dumps({**asdict(info), "seconds": took}, ensure_ascii=False))
            return
        said(f"Network {info.name!r}, version {info.version}, is in force.")
        for note in info.notes:
            said(note)
        said(f"Show wherever it is used: {info.attribution} ({info.licence}).")
