"""Writes remarks."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from dispatch.orders.models import Order
from lastmile.core import clock
from lastmile.core.erasing import Person
from lastmile.core.events import Lane, record
from tests.capability.errors import RemarkTooLong
from tests.capability.events import ADDED, AddedFacts
from tests.capability.models import Remark
from tests.capability.policy import remarks_policy

KEPT = dt.timedelta(days=365)


@transaction.atomic
def add_remark(*, order: Order, text: str) -> Remark:
    """Note something about an order.

    Locks: nothing. Records: remark.added. Raises: RemarkTooLong.
    """
    most = remarks_policy().longest
    if len(text) > most:
        raise RemarkTooLong(f"The remark has {len(text)} characters; use at most {most}.")
    remark = Remark.objects.create(order=order, text=text)
    record(ADDED, AddedFacts(order.public_id), subject=remark.public_id, lane=Lane.PERSON)
    return remark


@transaction.atomic
def keep_translation(*, public_id: str, text: str) -> None:
    """Keep what the translator answered.

    Locks: nothing. Records: nothing. Raises: nothing; a remark that is gone stays gone.
    """
    Remark.objects.filter(public_id=public_id).update(translated=text)


@transaction.atomic
def erase_person(person: Person) -> dict[str, int]:
    """Delete the remarks on a person's orders.

    Locks: nothing. Records: nothing; the erasing as a whole is audited. Raises: nothing.
    """
    gone, _by_table = Remark.objects.filter(order__public_id__in=person.orders).delete()
    return {"remarks": gone}


@transaction.atomic
def forget_remarks() -> dict[str, int]:
    """Delete remarks after a year.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    gone, _by_table = Remark.objects.filter(created_at__lt=clock.now() - KEPT).delete()
    return {"remarks": gone}
