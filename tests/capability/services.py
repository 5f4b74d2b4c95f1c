"""The services of remarks: add, translate, erase and delete old ones."""

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

RETENTION = dt.timedelta(days=365)


@transaction.atomic
def add_remark(*, order: Order, text: str) -> Remark:
    """Add a remark to an order.

    Locks: nothing. Records: remark.added. Raises: RemarkTooLong.
    """
    most = remarks_policy().longest
    if len(text) > most:
        raise RemarkTooLong(f"The remark has {len(text)} characters. Use at most {most}.")
    remark = Remark.objects.create(order=order, text=text)
    record(ADDED, AddedFacts(order.public_id), subject=remark.public_id, lane=Lane.PERSON)
    return remark


@transaction.atomic
def keep_translation(*, public_id: str, text: str) -> None:
    """Store a translation, unless the remark was deleted meanwhile.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    Remark.objects.filter(public_id=public_id).update(translated=text)


@transaction.atomic
def erase_person(person: Person) -> dict[str, int]:
    """Delete the remarks on the orders of a person.

    Locks: nothing. Records: nothing, because the whole erasure is audited. Raises: nothing.
    """
    deleted, _by_table = Remark.objects.filter(order__public_id__in=person.orders).delete()
    return {"remarks": deleted}


@transaction.atomic
def forget_remarks() -> dict[str, int]:
    """Delete remarks that are older than a year.

    Locks: nothing. Records: nothing. Raises: nothing.
    """
    deleted, _by_table = Remark.objects.filter(created_at__lt=clock.now() - RETENTION).delete()
    return {"remarks": deleted}
