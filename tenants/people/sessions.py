"""SESSION_ENGINE: Django's database sessions over the retailer's own table."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from tenants.people.models import Session

MEMBER = "member"  # public id
SCHEMA = "schema"
EPOCH = "epoch"
_MEMBER_PK = "member_pk"


class SessionStore(DatabaseStore):
    """Keeps beside each session whose it is."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Return our table; Django's own is not installed."""
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """Return the row to be saved."""
        row = cast("Session", super().create_model_instance(data))
        row.member_id = data.get(_MEMBER_PK)
        return row

    def belong_to(self, *, schema: str, member_pk: int, member_id: str, epoch: int) -> None:
        """Make this the session of a member, under a fresh key: the old one may be known."""
        self.cycle_key()
        self[SCHEMA], self[MEMBER], self[EPOCH] = schema, member_id, epoch
        self[_MEMBER_PK] = member_pk
