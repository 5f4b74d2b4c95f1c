"""The first owner of a new retailer, stored with the operator until the retailer's tables exist."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from lastmile.core.errors import Problems
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people.models import FirstOwner, Member
from tenants.people.services.members import add_member
from tenants.permissions import Role


def store_first_owner(*, retailer: str, email: str, name: str) -> FirstOwner:
    """Store the first owner of a retailer that is being opened.

    Locks: nothing. Records: nothing. Raises: Invalid.
    """
    problems = Problems()
    try:
        validate_email(email.strip())
    except ValidationError:
        problems.add("/owner_email", _("Enter a valid e-mail address."))
    if not 1 <= len(name.strip()) <= 120:
        problems.add("/owner_name", _("Enter a name of 1 to 120 characters."))
    problems.raise_if_any()
    return FirstOwner.objects.create(retailer=retailer, email=email.strip(), name=name.strip())


def add_first_owner(ref: RetailerRef) -> Member | None:
    """Add the stored first owner to the retailer; return None if no first owner is stored.

    Call it in the operator's schema, outside a transaction. It is safe to repeat after a crash.
    Locks: nothing. Records: an audit entry at the retailer. Raises: Invalid.
    """
    stored = FirstOwner.objects.filter(retailer=ref.public_id).first()
    if stored is None:
        return None
    with retailer_context(ref):
        member = Member.objects.filter(email__iexact=stored.email).first()
        if member is None:
            member = add_member(
                email=stored.email, name=stored.name, role=Role.OWNER, language=ref.language
            )
    stored.delete()
    return member
