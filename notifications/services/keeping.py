"""Removes what the Null channel kept: of one person on request, of everybody by age."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction
from django.db.models import Q

from lastmile.core import clock
from lastmile.core.erasing import Person
from notifications.models import KeptMessage

KEPT: Final = dt.timedelta(days=30)


@transaction.atomic
def erase_kept(person: Person) -> dict[str, int]:
    """Delete the kept messages of a person's orders, and those sent to the person.

    Locks: the rows. Records: nothing. Raises: nothing of its own.
    """
    of_person = Q(message__order__public_id__in=person.orders)
    of_person |= Q(message__recipient__in=person.shoppers)
    return {"kept_messages": KeptMessage.objects.filter(of_person).delete()[0]}


@transaction.atomic
def forget_kept() -> dict[str, int]:
    """Delete kept messages that are older than 30 days.

    Locks: the rows. Records: nothing. Raises: nothing of its own.
    """
    old = KeptMessage.objects.filter(kept_at__lt=clock.now() - KEPT)
    return {"kept_messages": old.delete()[0]}
