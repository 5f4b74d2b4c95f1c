"""The forms of the pages about texts: the parts of a template, and the settings of a moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from notifications.catalogue.kinds import ChannelKey, Moment
from notifications.catalogue.texts import PARTS
from notifications.selectors.previews import TemplateDraft
from notifications.wording.icu import MOST_CHARACTERS

LABELS: Final[Mapping[str, Any]] = {
    "text": _("Text"),
    "subject": _("Subject"),
    "preheader": _("Preview line"),
    "body": _("Text"),
    "button": _("Button"),
}
_HELP: Final[Mapping[str, Any]] = {
    "preheader": _("Mailboxes show it after the subject. Empty: the first line of the text."),
    "body": _("An empty line begins a new paragraph."),
    "button": _("The button opens the link. Empty: no button."),
}
_ROWS: Final[Mapping[str, int]] = {"text": 7, "body": 10, "subject": 2, "preheader": 2, "button": 1}
RTL: Final = frozenset({"ar"})


class TemplateForm(forms.Form):
    """The parts of a template as fields, in the direction of its language."""

    fields_by_pointer: ClassVar[Mapping[str, str]] = {
        "parts/text": "text",
        "parts/subject": "subject",
        "parts/preheader": "preheader",
        "parts/body": "body",
        "parts/button": "button",
        "content_sid": "content_sid",
        "content_variables": "content_variables",
    }

    def __init__(
        self,
        moment: Moment,
        language: str,
        channel: str,
        *,
        parts: Mapping[str, str],
        content: tuple[str, str] = ("", ""),
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data)
        self.moment, self.language, self.channel = moment, language, channel
        for name in PARTS[ChannelKey(channel)]:
            self.fields[name] = forms.CharField(
                label=LABELS[name],
                help_text=_HELP.get(name, ""),
                initial=parts.get(name, ""),
                required=False,
                strip=False,
                widget=forms.Textarea(
                    attrs={
                        "rows": _ROWS[name],
                        "lang": language,
                        "dir": "rtl" if language in RTL else "ltr",
                        "maxlength": MOST_CHARACTERS,
                        "spellcheck": "true",
                    }
                ),
            )
        if channel == ChannelKey.WHATSAPP:
            self._add_content(content)

    def _add_content(self, content: tuple[str, str]) -> None:
        self.fields["content_sid"] = forms.CharField(
            label=_("Content template at Twilio"),
            help_text=_("WhatsApp takes free text only for 24 hours after a reply. HX…"),
            initial=content[0],
            required=False,
            max_length=64,
        )
        self.fields["content_variables"] = forms.CharField(
            label=_("Its variables"),
            help_text=_("One on each line, such as 1={day}"),
            initial=content[1],
            required=False,
            widget=forms.Textarea(attrs={"rows": 4, "dir": "ltr"}),
        )

    def draft(self) -> TemplateDraft:
        """Return the words as typed; a line break is one character."""
        parts = {name: self._typed(name).replace("\r\n", "\n") for name in PARTS[self.channel]}
        return TemplateDraft(
            moment=self.moment,
            channel=self.channel,
            language=self.language,
            parts=parts,
            content_sid=self._typed("content_sid").strip(),
            content_variables=variables_of(self._typed("content_variables")),
        )

    def _typed(self, name: str) -> str:
        if name not in self.fields:
            return ""
        value = self[name].value()
        return str(value or "").replace("\x00", "")


def variables_of(text: str) -> dict[str, str]:
    """Return the variables of a content template, one a line: ``1={day}``."""
    pairs = (line.partition("=") for line in text.splitlines() if line.strip())
    return {number.strip(): pattern.strip() for number, _sign, pattern in pairs}


def lines_of(variables: Mapping[str, str]) -> str:
    """Return the variables of a content template as lines."""
    return "\n".join(f"{number}={pattern}" for number, pattern in variables.items())


class MomentForm(forms.Form):
    """The settings of a moment: on or off, and the order in which its channels are tried."""

    is_on = forms.BooleanField(label=_("Send these messages"), required=False)

    def __init__(
        self,
        channels: Mapping[str, Any],
        chosen: tuple[str, ...],
        *,
        is_on: bool,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial={"is_on": is_on})
        places = [(str(n), str(n)) for n in range(1, len(channels) + 1)]
        for name, label in channels.items():
            place = str(chosen.index(name) + 1) if name in chosen else ""
            self.fields[f"place_{name}"] = forms.ChoiceField(
                label=label, required=False, initial=place, choices=[("", _("Never")), *places]
            )
        self.channels = tuple(channels)

    def chosen(self) -> list[str]:
        """Return the channels in the order of their places."""
        placed = [(self.cleaned_data[f"place_{name}"], name) for name in self.channels]
        return [name for place, name in sorted(placed, key=lambda pair: pair[0]) if place]
