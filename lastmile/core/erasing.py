"""Erasing a person from one retailer, and forgetting what is old: two acts over all apps.

Each app has one function on the rolls ``ERASE_SHOPPER`` and ``FORGET`` of the switchboard. Erasing
takes away what tells who somebody was: names, numbers, addresses, notes. Counts, money, times and
ids stay. Events hold no texts, so the journal stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast

from django.db import models, transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.translation import gettext as _

from lastmile.core.errors import Conflict, NotFound
from lastmile.core.models import Delivery, IdempotencyRecord, Job
from lastmile.core.wiring import roll

Rows = models.QuerySet[Any]
ERASED: Final = "[erased]"
SHORTEST_TEXT: Final = 8  # characters of a text of several words; shorter ones say too little
FEWEST_DIGITS: Final = 7  # of a telephone number
COARSE_DECIMALS: Final = 2  # of a coordinate that is kept: about a kilometre
GONE: Final = 410


class DataStillNeeded(Conflict):
    """Somebody still needs the person's data to bring an order, or to read a file."""

    code: ClassVar[str] = "under_way"


class UnknownPerson(NotFound):
    """Nobody in this retailer is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonQuery:
    """How a person is named: by one of the three."""

    shopper: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is erased, as the other apps need to know it.

    Parameters
    ----------
    shoppers, orders : tuple of str
        Public ids.
    external_ids : tuple of str
        What the retailer calls the orders.
    texts : tuple of str
        Texts that say who it is: names, e-mail addresses, telephone numbers, addresses, notes.
    """

    shoppers: tuple[str, ...]
    orders: tuple[str, ...] = ()
    external_ids: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def identifying_texts(self) -> tuple[str, ...]:
        """Return the words that can mean nobody else in a text, longest first.

        A single word is none: a shopper's first name may be a hub's, too.
        """
        found = {word.strip() for word in self.texts if _tells(word.strip())}
        return tuple(sorted(found, key=lambda word: (-len(word), word)))

    def redact(self, value: Any) -> Any:
        """Return a JSON value or a text without the person's words."""
        if isinstance(value, str):
            for word in self.identifying_texts():
                value = re.sub(re.escape(word), ERASED, value, flags=re.IGNORECASE)
            return value
        if isinstance(value, Mapping):
            return {self.redact(name): self.redact(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.redact(inner) for inner in value]
        return value


def _tells(word: str) -> bool:
    several = " " in word and len(word) >= SHORTEST_TEXT
    return several or "@" in word or sum(map(str.isdigit, word)) >= FEWEST_DIGITS


def coarse(degrees: float) -> float:
    """Return a coordinate to about a kilometre: enough for a map of the town, not for a door."""
    return round(degrees, COARSE_DECIMALS)


@transaction.atomic
def erase_shopper(query: PersonQuery, *, dry_run: bool = False) -> tuple[Person, dict[str, int]]:
    """Erase a person from the retailer at hand; return who, and how many rows of what.

    Everybody with the same e-mail address or telephone number is one person. Erasing twice changes
    nothing more. A person with an order that has not ended is refused: the retailer needs the data
    for it. With `dry_run` everything is done and then taken back.

    Locks: what it changes. Records: what the apps record. Raises: UnknownPerson, DataStillNeeded.
    """
    (_room, find), *_others = roll("FIND_SHOPPER")
    person = cast("Person | None", find(query))
    if person is None:
        raise UnknownPerson(_("No shopper of this retailer is meant by that."))
    done: dict[str, int] = {}
    for _room, erase in roll("ERASE_SHOPPER"):
        for what, many in erase(person).items():
            done[what] = done.get(what, 0) + many
    if dry_run:
        transaction.set_rollback(True)
    return person, done


def forget() -> dict[str, int]:
    """Delete or blank what the retailer at hand has kept long enough; return how many of what.

    Locks: what it deletes. Records: nothing. Raises: nothing of its own.
    """
    done: dict[str, int] = {}
    for _room, act in roll("FORGET"):
        with transaction.atomic():
            for what, many in act().items():
                done[what] = done.get(what, 0) + many
    return done


def redact_rows(rows: Rows, fields: Iterable[str], person: Person) -> int:
    """Take the person's words out of text and JSON columns; return how many rows held any."""
    changed = 0
    for name in fields:
        for row in rows_naming(rows, name, person).select_for_update(of=("self",)):
            before = getattr(row, name)
            after = person.redact(before)
            if after != before:
                rows.model._default_manager.filter(pk=row.pk).update(**{name: after})  # noqa: SLF001
                changed += 1
    return changed


def rows_naming(rows: Rows, name: str, person: Person) -> Rows:
    """Return the rows whose text or JSON column may hold one of the person's words."""
    wanted = Q(pk__in=[])
    for word in person.identifying_texts():
        # As JSON writes it, too: quotes and line ends look different there.
        for form in {word, json.dumps(word, ensure_ascii=False)[1:-1], json.dumps(word)[1:-1]}:
            wanted |= Q(column_text__icontains=form)
    return cast("Rows", rows.annotate(column_text=Cast(name, TextField())).filter(wanted))


def erase(person: Person) -> dict[str, int]:
    """Take a person out of the machinery: texts of jobs, faults of handlers, kept answers.

    A kept answer that names the person is replaced: its repetition answers 410 and says why.
    Locks: these rows. Records: nothing. Raises: nothing of its own.
    """
    answers = IdempotencyRecord.objects.all()
    held = rows_naming(answers, "body", person) | _of_orders(answers, person)
    problem = {
        "type": f"{reverse('api:problems')}#erased",
        "title": "Erased",
        "status": GONE,
        "code": "erased",
        "detail": "The answer to this call named a person who has been erased since.",
    }
    jobs = Job.objects.all()
    return {
        "kept_answers": held.exclude(status=GONE).update(
            status=GONE,
            body=json.dumps(problem),
            headers={"Content-Type": "application/problem+json"},
        ),
        "jobs": redact_rows(jobs, ("detail", "progress_note", "payload", "result"), person),
        "faults": redact_rows(Delivery.objects.all(), ("error",), person),
    }


def _of_orders(answers: Rows, person: Person) -> Rows:
    wanted = Q(pk__in=[])
    for public_id in (*person.shoppers, *person.orders):
        wanted |= Q(column_text__icontains=public_id)
    return cast("Rows", answers.annotate(column_text=Cast("body", TextField())).filter(wanted))
