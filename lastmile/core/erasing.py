"""Erase a person from one retailer, and delete what is old, in all apps.

Each app has one function on the rolls ``ERASE_SHOPPER`` and ``FORGET`` of the switchboard. Erasing
removes everything that identifies a person: names, numbers, addresses, notes. Counts, money, times
and ids stay. Events contain no such texts, so they do not change.
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
SHORTEST_TEXT: Final = 8  # characters that a text of several words needs to identify a person
FEWEST_DIGITS: Final = 7  # digits that make a text a telephone number
COARSE_DECIMALS: Final = 2  # decimals of a coordinate that is kept: about a kilometre
GONE: Final = 410


class DataStillNeeded(Conflict):
    """The person's data is still needed to deliver an order or to read a file."""

    code: ClassVar[str] = "under_way"


class UnknownPerson(NotFound):
    """No shopper of this retailer matches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonQuery:
    """The search for a person by shopper id, e-mail address or telephone number; one is set."""

    shopper: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The person to erase, with everything that the apps need to find their data.

    Parameters
    ----------
    shoppers, orders : tuple of str
        Public ids.
    external_ids : tuple of str
        The retailer's own ids of the orders.
    texts : tuple of str
        Texts that identify the person: names, e-mail addresses, telephone numbers, addresses,
        notes.
    """

    shoppers: tuple[str, ...]
    orders: tuple[str, ...] = ()
    external_ids: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def identifying_texts(self) -> tuple[str, ...]:
        """Return the texts that are specific enough to identify the person, longest first.

        A single word is left out unless it is an e-mail address or a telephone number: a shopper's
        first name may also be the name of a hub.
        """
        texts = {word.strip() for word in self.texts if _tells(word.strip())}
        return tuple(sorted(texts, key=lambda word: (-len(word), word)))

    def redact(self, value: Any) -> Any:
        """Return a JSON value or text in which the person's texts are replaced by ``[erased]``."""
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
    """Return a coordinate rounded to about a kilometre, so that it no longer shows an address."""
    return round(degrees, COARSE_DECIMALS)


@transaction.atomic
def erase_shopper(query: PersonQuery, *, dry_run: bool = False) -> tuple[Person, dict[str, int]]:
    """Erase a person from the current retailer; return the person and the number of changed rows.

    All shoppers with the same e-mail address or telephone number are one person. Erasing a second
    time changes nothing. While an order of the person has not ended, erasing is refused, because
    the retailer needs the data. With `dry_run` everything is done and then rolled back.

    Locks: the changed rows. Records: the events of the apps. Raises: UnknownPerson,
    DataStillNeeded.
    """
    (_app, find), *_others = roll("FIND_SHOPPER")
    person = cast("Person | None", find(query))
    if person is None:
        raise UnknownPerson(_("No shopper of this retailer matches. Check the id or contact."))
    done: dict[str, int] = {}
    for _app, erase in roll("ERASE_SHOPPER"):
        for name, count in erase(person).items():
            done[name] = done.get(name, 0) + count
    if dry_run:
        transaction.set_rollback(True)
    return person, done


def forget() -> dict[str, int]:
    """Delete or blank the old data of the current retailer; return name -> number of rows.

    Locks: the deleted rows. Records: nothing. Raises: nothing of its own.
    """
    done: dict[str, int] = {}
    for _app, delete_old in roll("FORGET"):
        with transaction.atomic():
            for name, count in delete_old().items():
                done[name] = done.get(name, 0) + count
    return done


def redact_rows(rows: Rows, fields: Iterable[str], person: Person) -> int:
    """Remove the person's texts from text and JSON columns; return how many rows changed."""
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
    """Return the rows whose text or JSON column may contain one of the person's texts."""
    condition = Q(pk__in=[])
    for word in person.identifying_texts():
        # Also search for the text as JSON escapes it, with its quotes and line ends.
        for form in {word, json.dumps(word, ensure_ascii=False)[1:-1], json.dumps(word)[1:-1]}:
            condition |= Q(column_text__icontains=form)
    return cast("Rows", rows.annotate(column_text=Cast(name, TextField())).filter(condition))


def erase(person: Person) -> dict[str, int]:
    """Erase a person from jobs, from the errors of handlers and from stored answers.

    A stored answer that contains the person is replaced: a repeated call gets 410 with the reason.
    Locks: the changed rows. Records: nothing. Raises: nothing of its own.
    """
    answers = IdempotencyRecord.objects.all()
    stored = rows_naming(answers, "body", person) | _answers_naming_orders(answers, person)
    problem = {
        "type": f"{reverse('api:problems')}#erased",
        "title": "Erased",
        "status": GONE,
        "code": "erased",
        "detail": "The answer to this call contained a person whose data has been erased since.",
    }
    jobs = Job.objects.all()
    return {
        "kept_answers": stored.exclude(status=GONE).update(
            status=GONE,
            body=json.dumps(problem),
            headers={"Content-Type": "application/problem+json"},
        ),
        "jobs": redact_rows(jobs, ("detail", "progress_note", "payload", "result"), person),
        "faults": redact_rows(Delivery.objects.all(), ("error",), person),
    }


def _answers_naming_orders(answers: Rows, person: Person) -> Rows:
    condition = Q(pk__in=[])
    for public_id in (*person.shoppers, *person.orders):
        condition |= Q(column_text__icontains=public_id)
    return cast("Rows", answers.annotate(column_text=Cast("body", TextField())).filter(condition))
