"""The link by which somebody outside reads one remark."""

from __future__ import annotations

from typing import Final

from lastmile.core import derived
from tenants.credentials import Credential, CredentialType, Recognised
from tenants.permissions import Kind, Principal

NAME: Final = "remark_link"


def link_secret(remark: str) -> str:
    """Return the secret of a remark's link; the same at every call."""
    return derived.secret_of(purpose=NAME, subject=remark)


class RemarkLink(CredentialType):
    """A reader of one remark, by the secret in the address."""

    def recognise_link(self, secret: str) -> Recognised | None:
        """Return the reader, None for a secret that is unknown or has ended."""
        remark = derived.subject_of(purpose=NAME, secret=secret)
        if remark is None:
            return None
        reader = Principal(kind=Kind.LINK, public_id=remark, name="Reader", role=NAME)
        return Recognised(credential=Credential(NAME, remark, secret), principal=reader)

    def current_principal(self, credential: Credential) -> Principal | None:
        """Return the reader while the link is valid."""
        found = self.recognise_link(credential.session_key)
        return found.principal if found else None
