"""Saves the retailer's own layout of e-mails, compiled to HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import transaction
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lastmile.core.errors import FieldProblem, Invalid, Stale
from notifications.models import EmailLayout
from notifications.rendering.child import CompileFailed, compile_mjml
from notifications.rendering.mail import PLACEHOLDERS
from notifications.wording.layouts import LayoutFault, layout_faults
from tenants.people.services import audit

POINTER: Final = "/mjml"
SUBJECT: Final = "email_layout"
_SENTENCES: Final[Mapping[str, str | Lazy]] = {
    "too_long": gettext_lazy("A layout has at most 60,000 characters."),
    "no_mjml": gettext_lazy("A layout begins with <mjml>."),
    "element": gettext_lazy("Line %(line)d: %(word)s is not allowed in a layout. Remove it."),
    "attribute": gettext_lazy(
        "Line %(line)d: the attribute %(word)s is not allowed there. Remove it."
    ),
    "address": gettext_lazy(
        "Line %(line)d: %(word)s is no address that a mail may have. Begin it with https:// or use"
        " [[target]]."
    ),
    "placeholder": gettext_lazy("[[%(word)s]] is unknown. Remove it or correct its name."),
    "missing": gettext_lazy("[[%(word)s]] is missing. Every layout needs it."),
}


def compiled(mjml: str) -> str:
    """Check a layout and return its HTML, compiled in a bounded child.

    Locks: nothing. Records: nothing. Raises: Invalid with the line and the remedy of each fault.
    """
    faults = layout_faults(mjml, PLACEHOLDERS)
    if faults:
        raise _invalid([_sentence(fault) for fault in faults[:10]])
    try:
        return compile_mjml(mjml)
    except CompileFailed as failed:
        words = _("The layout is not valid MJML. The compiler says: %(words)s")
        raise _invalid([words % {"words": failed}]) from failed


def save_layout(*, mjml: str, version: int) -> EmailLayout:
    """Save the layout of the retailer's e-mails; ``version`` is 0 for the first one.

    It is compiled before the transaction begins. Locks: the layout. Records: an audit entry.
    Raises: Invalid with the line and the remedy of each fault; Stale.
    """
    mjml = mjml.replace("\r\n", "\n")
    html = compiled(mjml)
    with transaction.atomic():
        row = _locked(version)
        before = row.version if row else 0
        if row is not None and row.mjml == mjml:
            return row
        row, _new = EmailLayout.objects.update_or_create(
            pk=1, defaults={"mjml": mjml, "html": html, "version": before + 1}
        )
        audit("email_layout.changed", SUBJECT, {"version": (before, row.version)})
    return row


@transaction.atomic
def restore_layout(*, version: int) -> None:
    """Go back to the default layout. Without an own layout nothing changes.

    Locks: the layout. Records: an audit entry. Raises: Stale.
    """
    row = _locked(version)
    if row is not None:
        row.delete()
        audit("email_layout.restored", SUBJECT, {"version": (version, 0)})


def _locked(version: int) -> EmailLayout | None:
    row = EmailLayout.objects.select_for_update().first()
    present = row.version if row else 0
    if present != version:
        raise Stale(
            _("Someone else changed this meanwhile. Reload it and make your change again."),
            data={"version": present},
        )
    return row


def _sentence(fault: LayoutFault) -> str:
    return str(_SENTENCES[fault.code]) % {"line": fault.line, "word": fault.word}


def _invalid(sentences: list[str]) -> Invalid:
    return Invalid(
        _("The layout was not saved. Correct what is named."),
        errors=[FieldProblem(POINTER, sentence) for sentence in sentences],
    )
