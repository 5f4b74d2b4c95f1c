"""The link that ends messages: the secret address in every message that cannot be answered.

The secret is derived (``lastmile.core.derived``) and never ends, because a person may find an old
message. It belongs to a contact, not to an order, and it can change nothing but the messages.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from lastmile.core import derived
from notifications.models import Contact
from tenants.credentials import Credential, CredentialType, Recognised
from tenants.links import absolute
from tenants.principals import Principal
from tenants.roles import Kind

NAME: Final = "opt_out_link"


def opt_out_link(contact: Contact) -> str:
    """Return the absolute address at which a contact ends its messages; always the same one.

    Locks: nothing. Records: nothing. Raises: nothing of its own.
    """
    secret = derived.secret_of(purpose=NAME, subject=contact.public_id)
    return absolute(f"{settings.OPT_OUT_PATH}{secret}/")


class OptOutLink(CredentialType):
    """The credential of a contact: the secret in the address that ends its messages.

    The id of the principal is the public id of the contact.
    """

    def recognise_link(self, secret: str) -> Recognised | None:
        """Recognise the contact; None if the link is unknown."""
        public_id = derived.subject_of(purpose=NAME, secret=secret)
        if public_id is None:
            return None
        rows = Contact.objects.filter(public_id=public_id).values_list("language", flat=True)
        language = rows.first()
        if language is None:
            return None
        reader = Principal(kind=Kind.LINK, public_id=public_id, name=_("Shopper"), role=NAME)
        return Recognised(
            credential=Credential(NAME, public_id, secret), principal=reader, language=language
        )

    def current_principal(self, credential: Credential) -> Principal | None:
        """Return the contact while the link is valid."""
        recognised = self.recognise_link(credential.session_key)
        return recognised.principal if recognised else None

    def unknown_link_message(self) -> str:
        """Return a message that says how to get a link that works."""
        return _(
            "This link does not work. Open the link in the newest message, or answer STOP to a"
            " text message."
        )
