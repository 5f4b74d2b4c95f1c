"""The SESSION_ENGINE: Django's database sessions in the retailer's own table."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from tenants.people.models import Session

MEMBER = "member"  # public id
SCHEMA = "schema"
EPOCH = "epoch"
_MEMBER_PK = "member_pk"


class SessionStore(DatabaseStore):
    """The session store, which also stores the member of each session."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Return our model, because Django's own is not installed."""
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """Return the session row with its member."""
        row = cast("Session", super().create_model_instance(data))
        row.member_id = data.get(_MEMBER_PK)
        return row

    def belong_to(self, *, schema: str, member_pk: int, member_id: str, epoch: int) -> None:
        """Bind this session to a member, under a new key, because the old key may be known."""
        self.cycle_key()
        self[SCHEMA], self[MEMBER], self[EPOCH] = schema, member_id, epoch
        self[_MEMBER_PK] = member_pk
