"""Saves the retailer's own words and settings of the moments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from lastmile.core import formatting
from lastmile.core.actor import current_actor
from lastmile.core.errors import FieldProblem, Invalid, Stale
from notifications.catalogue.kinds import Moment
from notifications.catalogue.texts import PARTS, default_parts, languages_of
from notifications.models import MessageTemplate, MomentSetting, TemplateVersion
from notifications.rendering.checking import MAIN_PART, PartFault, faults_of
from notifications.rendering.child import CompileFailed, compile_patterns
from notifications.rendering.render import Wording, reading_as
from notifications.selectors.moments import moment_state
from notifications.selectors.previews import TemplateDraft
from notifications.services.template_faults import sentence_of
from tenants.people.services import audit

LONGEST_SID: Final = 64
MOST_CONTENT_VARIABLES: Final = 20


def save_template(*, draft: TemplateDraft, version: int) -> MessageTemplate:
    """Save the retailer's words for a moment; ``version`` is 0 for the first ones.

    The words are compiled in a bounded child before the transaction begins.
    Locks: the template. Records: an audit entry. Raises: Invalid with the part, the position and
    the remedy of each fault; Stale.
    """
    _refuse_faults(draft)
    _compile(draft)
    wording = Wording(
        parts=_filled(draft.parts),
        content_sid=draft.content_sid.strip(),
        content_variables=draft.content_variables,
    )
    return _write(draft, wording, version)


def restore_default(
    *, moment: Moment, language: str, channel: str, version: int
) -> MessageTemplate:
    """Go back to the default words of a moment; the retailer's versions are kept.

    Locks: the template. Records: an audit entry. Raises: Invalid, Stale.
    """
    draft = TemplateDraft(moment=moment, language=language, channel=channel, parts={})
    _refuse_unknown(draft)
    return _write(draft, Wording(parts={}), version)


@transaction.atomic
def set_moment(
    *, moment: Moment, is_on: bool, channels: Sequence[str], version: int
) -> MomentSetting:
    """Switch a moment on or off, and set the channels that it tries, in this order.

    Locks: the setting. Records: an audit entry. Raises: Invalid for a channel that the moment
    cannot use, for none, and for a code that is switched off; Stale.
    """
    _refuse_channels(moment, channels)
    if not is_on and not moment_state(moment.key).may_be_off:
        raise Invalid(_("Codes cannot be switched off: shoppers could not confirm changes."))
    row = MomentSetting.objects.select_for_update().filter(moment=moment.key).first()
    if (row.version if row else 0) != version:
        raise _stale(row.version if row else 0)
    before = (row.is_on, list(row.channels or ())) if row else (True, list(moment.channels))
    if row is None:
        row = MomentSetting(moment=moment.key, version=0)
    row.is_on, row.channels, row.version = is_on, list(channels), version + 1
    _save_first(row, version)
    changes = {"is_on": (before[0], is_on), "channels": (before[1], list(channels))}
    audit("moment.changed", moment.key, {k: v for k, v in changes.items() if v[0] != v[1]})
    return row


def _refuse_channels(moment: Moment, channels: Sequence[str]) -> None:
    unknown = set(channels) - set(moment.channels)
    if not channels or unknown or len(set(channels)) != len(channels):
        raise Invalid(
            _("Choose at least one of the channels of this moment, each once."),
            errors=[FieldProblem("/channels", _("Choose at least one channel."))],
        )


def _refuse_unknown(draft: TemplateDraft) -> None:
    """Refuse a language or a channel that the moment does not have."""
    is_known = draft.language in languages_of(draft.moment) and (
        default_parts(draft.moment.key, draft.channel, draft.language) is not None
    )
    if not is_known:
        raise Invalid(_("This moment has no such language or channel."))


def _refuse_faults(draft: TemplateDraft) -> None:
    _refuse_unknown(draft)
    unknown = draft.parts.keys() - set(PARTS[draft.channel])
    problems = [FieldProblem(f"/parts/{name}", _("There is no such part.")) for name in unknown]
    faults = faults_of(draft.moment, draft.channel, draft.parts)
    problems += [
        FieldProblem(
            f"/parts/{fault.part}", sentence_of(fault, draft.parts.get(fault.part, "")), fault.code
        )
        for fault in faults
    ]
    problems += _content_problems(draft)
    if problems:
        raise Invalid(_("The text was not saved. Correct what is marked."), errors=problems)


def _content_problems(draft: TemplateDraft) -> list[FieldProblem]:
    """Return the faults of the template that the provider keeps."""
    if not draft.content_sid and not draft.content_variables:
        return []
    problems = []
    sid = draft.content_sid.strip()
    if not (sid.startswith("HX") and sid.isalnum() and len(sid) == len("HX") + 32):
        detail = _("Write the id of the content template: HX and 32 letters and digits.")
        problems.append(FieldProblem("/content_sid", detail))
    variables = draft.content_variables
    if len(variables) > MOST_CONTENT_VARIABLES or not all(n.isdigit() for n in variables):
        detail = _("Number the variables of the content template: 1, 2, 3 …")
        problems.append(FieldProblem("/content_variables", detail))
    for number, pattern in variables.items():
        part = MAIN_PART[draft.channel]
        faults = [
            fault
            for fault in faults_of(draft.moment, draft.channel, {part: pattern})
            if fault.code != "needed"
        ]
        problems += [
            FieldProblem(f"/content_variables/{number}", sentence_of(fault, pattern), fault.code)
            for fault in faults
        ]
    return problems


def _compile(draft: TemplateDraft) -> None:
    """Compile the patterns with the examples of their variables. Raises Invalid."""
    patterns = {f"parts/{name}": text for name, text in draft.parts.items() if text.strip()}
    patterns |= {f"content_variables/{n}": text for n, text in draft.content_variables.items()}
    values = {name: variable.example for name, variable in draft.moment.variables.items()}
    with reading_as(draft.language, "UTC"):
        locale = str(formatting.current_locale())
    try:
        compile_patterns(patterns, locale=locale, values=values)
    except CompileFailed:
        part = MAIN_PART[draft.channel]
        sentence = sentence_of(PartFault(part, "child"), "")
        raise Invalid(sentence, errors=[FieldProblem(f"/parts/{part}", sentence)]) from None


@transaction.atomic
def _write(draft: TemplateDraft, wording: Wording, version: int) -> MessageTemplate:
    key = {
        "moment": draft.moment.key,
        "language": draft.language,
        "channel": draft.channel,
    }
    row = MessageTemplate.objects.select_for_update().filter(**key).first()
    present = row.version if row else 0
    if present != version:
        raise _stale(present)
    if row is None:
        row = MessageTemplate(**key)
    row.parts = dict(wording.parts)
    row.content_sid = wording.content_sid
    row.content_variables = dict(wording.content_variables)
    row.version, row.digest, row.edited_by = version + 1, wording.digest, current_actor()
    _save_first(row, version)
    TemplateVersion.objects.create(
        template=row,
        version=row.version,
        parts=row.parts,
        content_sid=row.content_sid,
        content_variables=row.content_variables,
        digest=row.digest,
        edited_by=row.edited_by,
    )
    changes = {"version": (present, row.version)}
    if row.parts:
        audit("message_template.changed", row.public_id, changes)
    else:
        audit("message_template.restored", row.public_id, changes)
    return row


def _save_first(row: MessageTemplate | MomentSetting, version: int) -> None:
    """Save a row; if another person inserted it at the same moment, that version counts."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise _stale(version + 1) from None


def _stale(version: int) -> Stale:
    return Stale(
        _("Someone else changed this meanwhile. Reload it and make your change again."),
        data={"version": version},
    )


def _filled(parts: Mapping[str, str]) -> dict[str, str]:
    """Return the parts that have a text, without the line ends of a form."""
    return {name: text.replace("\r\n", "\n") for name, text in parts.items() if text.strip()}
