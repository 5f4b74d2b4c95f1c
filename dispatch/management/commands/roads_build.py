"""Build a street network of the installation from a file of streets."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dispatch.roads import aequilibrae, osm
from dispatch.roads.build import OSM_ATTRIBUTION, Origin, build
from dispatch.roads.demo_city import ATTRIBUTION as AEQUILIBRAE_ATTRIBUTION
from dispatch.roads.store import NetworkInfo
from dispatch.roads.streets import StreetArrays
from lastmile.core.errors import DomainError


class Command(BaseCommand):
    help = "Build a street network from FILE; hubs name it, every retailer shares it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="an OpenStreetMap extract (.osm.pbf)")
        parser.add_argument(
            "--format",
            choices=("osm", "aequilibrae"),
            help="default: aequilibrae for .sqlite, else osm",
        )
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

        kind = options["format"] or ("aequilibrae" if file.suffix == ".sqlite" else "osm")
        try:
            said(f"Reading {file.name}.")
            info = _build(file, kind, name, options["title"] or name, said)
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


def _build(
    file: Path, kind: str, name: str, title: str, said: Callable[[str], None]
) -> NetworkInfo:
    if kind == "osm":
        origin = Origin(title=title, source=file.name, attribution=OSM_ATTRIBUTION)
        return build(osm.read(file, said), name=name, origin=origin, var=settings.VAR, said=said)
    city, people = aequilibrae.read(file)
    origin = Origin(title=title, source=file.name, attribution=AEQUILIBRAE_ATTRIBUTION)

    def more(folder: Path, _streets: StreetArrays) -> dict[str, int]:
        return {"people": aequilibrae.write_people(folder / "people.json", people)}

    return build(city, name=name, origin=origin, var=settings.VAR, said=said, more=more)
