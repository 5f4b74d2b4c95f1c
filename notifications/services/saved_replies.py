"""Saved replies: texts that staff use again and again when they answer shoppers."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.errors import FieldProblem, Invalid, Stale
from notifications.models import SavedReply
from notifications.services.threads import checked_text


@transaction.atomic
def save_reply(
    *,
    language: str,
    title: str,
    text: str,
    reply: SavedReply | None = None,
    version: int | None = None,
) -> SavedReply:
    """Store a text that staff use again, or change the one with this version.

    Locks: the saved reply. Records: nothing. Raises: Invalid for an empty text or a title that
    another reply of the language has; Stale if somebody else changed or deleted it meanwhile.
    """
    row = _locked(reply, version) if reply is not None else SavedReply(version=0)
    title, text = " ".join(title.split())[:80], checked_text(text)
    if not title:
        detail = _("Enter a title.")
        raise Invalid(detail, errors=[FieldProblem("/title", detail)])
    same = SavedReply.objects.filter(language=language, title=title)
    if same.exclude(pk=row.pk).exists():
        detail = _("Another saved reply has this title. Choose another one.")
        raise Invalid(detail, errors=[FieldProblem("/title", detail)])
    row.language, row.title, row.text = language, title, text
    row.version += 1
    row.save()
    return row


@transaction.atomic
def delete_reply(*, reply: SavedReply, version: int | None) -> None:
    """Delete the saved reply with this version. Texts that were sent stay.

    Locks: the saved reply. Records: nothing. Raises: Stale if somebody else changed or deleted it
    meanwhile.
    """
    _locked(reply, version).delete()


def _locked(reply: SavedReply, version: int | None) -> SavedReply:
    row = SavedReply.objects.select_for_update().filter(pk=reply.pk).first()
    if row is None or row.version != version:
        raise Stale(
            _("Someone else changed this meanwhile. Reload it and make your change again."),
            data={"version": row.version if row is not None else None},
        )
    return row
