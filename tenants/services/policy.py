"""Change the policy of the current retailer."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from lastmile.core.errors import Stale
from lastmile.core.events import record
from lastmile.core.tenancy import current_schema
from tenants.events import POLICY_CHANGED, PolicyChangedFacts
from tenants.models import Retailer
from tenants.people.services import audit
from tenants.policy import Policy, check, policy_of
from tenants.selectors import row_of
from tenants.services.lifecycle import columns


def set_policy(policy: Policy, *, expected_version: int | None = None) -> Retailer:
    """Store a policy for the current retailer. The same policy again changes nothing.

    Locks: the row. Records: policy.changed with the names of the changed fields, and an audit
    entry. Raises: Invalid; Stale if the policy was changed since `expected_version`.
    """
    values = columns(check(policy))
    with transaction.atomic():
        retailer = row_of(Retailer.objects.select_for_update(), current_schema())
        if expected_version is not None and expected_version != retailer.version:
            raise Stale(
                _("Someone else changed these settings. Reload them and make your change again.")
            )
        before: dict[str, Any] = columns(policy_of(retailer))
        changed = sorted(name for name, value in values.items() if before[name] != value)
        if changed:
            for name in changed:
                setattr(retailer, name, values[name])
            retailer.version += 1
            retailer.save(update_fields=[*changed, "version"])
            audit(
                "policy.set",
                retailer.public_id,
                {name: (before[name], values[name]) for name in changed},
            )
            facts = PolicyChangedFacts(fields=tuple(changed))
            record(POLICY_CHANGED, facts, subject=retailer.public_id)
    return retailer
