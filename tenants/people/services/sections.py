"""Change one section of the policy."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.errors import Stale
from lastmile.core.events import record
from lastmile.core.tenancy import current_retailer
from tenants.events import POLICY_CHANGED, PolicyChangedFacts
from tenants.people.models import PolicySection
from tenants.people.selectors import forget_policies
from tenants.people.services.audit import audit, changed
from tenants.sections import Section, check_section, from_stored


def set_section(
    *, section: Section, policy: Any, expected_version: int | None = None
) -> PolicySection:
    """Store the settings of one section. The same values again change nothing.

    Locks: the row. Records: policy.changed with the names of the changed settings, and an audit
    entry with their values before and after. Raises: Invalid; Stale if the section was changed
    since ``expected_version`` (0 for the defaults).
    """
    check_section(section, policy)
    with transaction.atomic():
        row, is_new = PolicySection.objects.select_for_update().get_or_create(
            section=section.name, defaults={"version": 0}
        )
        if expected_version is not None and expected_version != row.version:
            raise Stale(
                _("Someone else changed these settings. Reload them and make your change again."),
                data={"version": row.version},
            )
        before, after = asdict(from_stored(section, row.values)), asdict(policy)
        changes = {f"{section.name}.{name}": pair for name, pair in changed(before, after).items()}
        if not changes:
            if is_new:
                row.delete()
            return row
        row.values = after
        row.version += 1
        row.save(update_fields=["values", "version", "updated_at"])
        retailer = current_retailer().public_id
        audit("policy.set", retailer, changes)
        fields = tuple(sorted(changes))
        record(POLICY_CHANGED, PolicyChangedFacts(fields=fields), subject=retailer)
        forget_policies()
    return row
