"""``roads_build FILE``: build a street network of the installation from map data."""

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
    """Read a map file and write the next version of a network."""

    help = (
        "Build a street network from map data. The network belongs to the installation: the hubs "
        "of every retailer can use it. Building it again makes a new version."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="FILE", help="OpenStreetMap extract (.osm.pbf)"
        )
        parser.add_argument(
            "--format",
            choices=("osm", "aequilibrae"),
            help="format of the file; default: aequilibrae for .sqlite, else osm",
        )
        parser.add_argument(
            "--name", help="name of the network; default: the first part of the file name"
        )
        parser.add_argument("--title", default="", help="name shown on pages; default: the name")
        parser.add_argument(
            "--json", action="store_true", help="print the result as one JSON object"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        if not file.is_file():
            raise CommandError(f"There is no file {file}. Give the path of an .osm.pbf file.")
        name = options["name"] or file.name.split(".")[0].lower().replace(" ", "-")
        started = time.monotonic()

        def report(text: str) -> None:
            print(f"{time.monotonic() - started:6.1f} s  {text}", file=sys.stderr, flush=True)

        kind = options["format"] or ("aequilibrae" if file.suffix == ".sqlite" else "osm")
        try:
            report(f"Reading {file.name}.")
            info = _build(file, kind, name, options["title"] or name, report)
        except (ValueError, DomainError) as fault:
            raise CommandError(str(fault)) from fault
        if options["json"]:
            seconds = round(time.monotonic() - started, 2)
            print(json.dumps({**asdict(info), "seconds": seconds}, ensure_ascii=False))
            return
        report(f"Network {info.name!r}, version {info.version}, is now in use.")
        for note in info.notes:
            report(note)
        report(f"Show this wherever the map is shown: {info.attribution} ({info.licence}).")


def _build(
    file: Path, kind: str, name: str, title: str, report: Callable[[str], None]
) -> NetworkInfo:
    if kind == "osm":
        origin = Origin(title=title, source=file.name, attribution=OSM_ATTRIBUTION)
        return build(
            osm.read(file, report), name=name, origin=origin, var=settings.VAR, report=report
        )
    city, people = aequilibrae.read(file)
    origin = Origin(title=title, source=file.name, attribution=AEQUILIBRAE_ATTRIBUTION)

    def write_people(folder: Path, _streets: StreetArrays) -> dict[str, int]:
        return {"people": aequilibrae.write_people(folder / "people.json", people)}

    return build(city, name=name, origin=origin, var=settings.VAR, report=report, more=write_people)
