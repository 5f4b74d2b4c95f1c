"""Roles, acts, and the one table that says who may do what; pages, API and websockets read it.

Roles are closed lists: a retailer gives them out, it does not invent them. A member and an API
key may carry roles of the same name (``driver``), so a role is always read with its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a principal is."""

    MEMBER = "member"
    KEY = "key"
    LINK = "link"  # somebody who follows a secret link; the role is the credential's name


class Role(StrEnum):
    """Roles of members."""

    OWNER = "owner"
    MANAGER = "manager"
    DISPATCHER = "dispatcher"
    PICKER = "picker"
    DRIVER = "driver"
    READONLY = "readonly"


class KeyRole(StrEnum):
    """Roles of API keys."""

    INTEGRATION = "integration"
    DRIVER = "driver"
    LOCKER = "locker"
    CARRIER = "carrier"
    CHECKOUT = "checkout"


class Act(StrEnum):
    """Everything anybody may do, by its noun and verb. A new act is a new row of TABLE."""

    SELF_VIEW = "self.view"
    SELF_EDIT = "self.edit"
    PASSWORD_SET = "password.set"  # noqa: S105  an act
    HOME_VIEW = "home.view"
    SOCKETS_OPEN = "sockets.open"
    ORDERS_VIEW = "orders.view"
    ORDERS_EDIT = "orders.edit"
    ORDERS_IMPORT = "orders.import"
    FLEET_VIEW = "fleet.view"
    FLEET_EDIT = "fleet.edit"
    PLANS_VIEW = "plans.view"
    PLANS_EDIT = "plans.edit"
    PLANS_PUBLISH = "plans.publish"
    JOBS_VIEW = "jobs.view"
    JOBS_CANCEL = "jobs.cancel"
    EVENTS_VIEW = "events.view"
    MEMBERS_VIEW = "members.view"
    MEMBERS_EDIT = "members.edit"
    KEYS_VIEW = "keys.view"
    KEYS_EDIT = "keys.edit"
    POLICY_VIEW = "policy.view"
    POLICY_EDIT = "policy.edit"
    AUDIT_VIEW = "audit.view"
    RETAILERS_VIEW = "retailers.view"
    RETAILERS_EDIT = "retailers.edit"


@dataclass(frozen=True, slots=True)
class Grant:
    """One row of the table.

    Parameters
    ----------
    members, keys : frozenset
        The roles that may.
    links : frozenset of str
        The credentials by link that may, by their names in the switchboard.
    all_hubs : bool
        The act concerns the whole retailer: somebody limited to some hubs may not.
    house : bool
        Only members of the operator's own schema may.
    """

    members: frozenset[Role] = frozenset()
    keys: frozenset[KeyRole] = frozenset()
    links: frozenset[str] = frozenset()
    all_hubs: bool = False
    house: bool = False


_EVERY_MEMBER = frozenset(Role)
_EVERY_KEY = frozenset(KeyRole)
_OWNER = frozenset({Role.OWNER})
_HEADS = _OWNER | {Role.MANAGER}
_DESK = _HEADS | {Role.DISPATCHER}
_FLOOR = _DESK | {Role.PICKER}
_READERS = _FLOOR | {Role.READONLY}
_INTEGRATION = frozenset({KeyRole.INTEGRATION})

TABLE: Mapping[Act, Grant] = {
    Act.SELF_VIEW: Grant(_EVERY_MEMBER, _EVERY_KEY),
    Act.SELF_EDIT: Grant(_EVERY_MEMBER),
    Act.PASSWORD_SET: Grant(links=frozenset({"password_link"})),
    Act.HOME_VIEW: Grant(_EVERY_MEMBER),
    Act.SOCKETS_OPEN: Grant(_EVERY_MEMBER, _INTEGRATION | {KeyRole.DRIVER}),
    Act.ORDERS_VIEW: Grant(_READERS, _INTEGRATION),
    Act.ORDERS_EDIT: Grant(_DESK, _INTEGRATION),
    Act.ORDERS_IMPORT: Grant(_DESK, _INTEGRATION),
    Act.FLEET_VIEW: Grant(_READERS, _INTEGRATION),
    Act.FLEET_EDIT: Grant(_DESK, _INTEGRATION),
    Act.PLANS_VIEW: Grant(_READERS, _INTEGRATION),
    Act.PLANS_EDIT: Grant(_DESK, _INTEGRATION),
    Act.PLANS_PUBLISH: Grant(_DESK, _INTEGRATION),
    Act.JOBS_VIEW: Grant(_READERS, _INTEGRATION),
    Act.JOBS_CANCEL: Grant(_DESK, _INTEGRATION),
    Act.EVENTS_VIEW: Grant(_HEADS, _INTEGRATION, all_hubs=True),
    Act.MEMBERS_VIEW: Grant(_HEADS, all_hubs=True),
    Act.MEMBERS_EDIT: Grant(_HEADS, all_hubs=True),
    Act.KEYS_VIEW: Grant(_HEADS, all_hubs=True),
    Act.KEYS_EDIT: Grant(_HEADS, all_hubs=True),
    Act.POLICY_VIEW: Grant(_READERS),
    Act.POLICY_EDIT: Grant(_HEADS, all_hubs=True),
    Act.AUDIT_VIEW: Grant(_HEADS, all_hubs=True),
    Act.RETAILERS_VIEW: Grant(_HEADS, all_hubs=True, house=True),
    Act.RETAILERS_EDIT: Grant(_OWNER, all_hubs=True, house=True),
}


def granted(kind: Kind, role: str, act: Act) -> bool:
    """Tell whether the table has a tick for this role, hubs and house left aside."""
    row = TABLE.get(act)
    if row is None:
        return False
    roles: Mapping[Kind, frozenset[str]] = {
        Kind.MEMBER: frozenset(row.members),
        Kind.KEY: frozenset(row.keys),
        Kind.LINK: row.links,
    }
    return role in roles[kind]
