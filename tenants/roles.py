"""Roles, acts, and the permission table that pages, API and websockets use.

The roles are fixed: a retailer assigns them but cannot add new ones. Members and API keys have a
role of the same name (``driver``), so a role is always read together with its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kind of a principal."""

    MEMBER = "member"
    KEY = "key"
    LINK = "link"  # the reader of a secret link; the role is the name of the credential
    DEVICE = "device"  # the phone of a driver; the role is the name of the credential


class Role(StrEnum):
    """The roles of members."""

    OWNER = "owner"
    MANAGER = "manager"
    DISPATCHER = "dispatcher"
    PICKER = "picker"
    DRIVER = "driver"
    READONLY = "readonly"


class KeyRole(StrEnum):
    """The roles of API keys."""

    INTEGRATION = "integration"
    DRIVER = "driver"
    LOCKER = "locker"
    CARRIER = "carrier"
    CHECKOUT = "checkout"


class Act(StrEnum):
    """Everything that can be permitted, as noun and verb. Each act has a row in TABLE."""

    SELF_VIEW = "self.view"
    SELF_EDIT = "self.edit"
    PASSWORD_SET = "password.set"  # noqa: S105  an act
    HOME_VIEW = "home.view"
    SOCKETS_OPEN = "sockets.open"
    ORDERS_VIEW = "orders.view"
    ORDERS_EDIT = "orders.edit"
    CODES_REVEAL = "codes.reveal"
    ORDERS_IMPORT = "orders.import"
    FLEET_VIEW = "fleet.view"
    FLEET_EDIT = "fleet.edit"
    PLANS_VIEW = "plans.view"
    PLANS_EDIT = "plans.edit"
    PLANS_PUBLISH = "plans.publish"
    SLOTS_VIEW = "slots.view"
    SLOTS_EDIT = "slots.edit"
    OFFERS_VIEW = "offers.view"
    OFFERS_CHOOSE = "offers.choose"
    MESSAGES_VIEW = "messages.view"
    MESSAGES_SEND = "messages.send"
    TEMPLATES_EDIT = "templates.edit"
    CHANNELS_EDIT = "channels.edit"
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
    DRIVER_VIEW = "driver.view"
    DRIVER_ACT = "driver.act"
    POSITIONS_SEND = "positions.send"
    DEVICES_VIEW = "devices.view"
    DEVICES_EDIT = "devices.edit"
    INCIDENTS_VIEW = "incidents.view"
    INCIDENTS_EDIT = "incidents.edit"
    LOCKERS_VIEW = "lockers.view"
    LOCKERS_EDIT = "lockers.edit"
    LOCKERS_RESERVE = "lockers.reserve"
    LOCKERS_CODES = "lockers.codes"
    LOCKERS_COMMAND = "lockers.command"
    LOCKERS_REPORT = "lockers.report"
    LOCKERS_COUNTER = "lockers.counter"
    LOCKERS_ACCOUNTS = "lockers.accounts"
    SHOPPER_VIEW = "shopper.view"
    SHOPPER_CHANGE = "shopper.change"
    CONTACT_VIEW = "contact.view"
    CONTACT_CHANGE = "contact.change"
    RETAILERS_VIEW = "retailers.view"
    RETAILERS_EDIT = "retailers.edit"


@dataclass(frozen=True, slots=True)
class Grant:
    """A row of the permission table.

    Parameters
    ----------
    members, keys : frozenset
        The roles that are allowed.
    links : frozenset of str
        The link credentials that are allowed, by their names in the switchboard.
    devices : frozenset of str
        The credentials of devices that are allowed, by their names in the switchboard.
    all_hubs : bool
        True if the act concerns the whole retailer. Members limited to some hubs are denied.
    house : bool
        True if only members of the operator's own schema are allowed.
    """

    members: frozenset[Role] = frozenset()
    keys: frozenset[KeyRole] = frozenset()
    links: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    all_hubs: bool = False
    house: bool = False


_EVERY_MEMBER = frozenset(Role)
_EVERY_KEY = frozenset(KeyRole)
_OWNER = frozenset({Role.OWNER})
_MANAGERS = _OWNER | {Role.MANAGER}
_DISPATCHERS = _MANAGERS | {Role.DISPATCHER}
_PICKERS = _DISPATCHERS | {Role.PICKER}
_READERS = _PICKERS | {Role.READONLY}
_SHOPPER = frozenset({"shopper_link"})
_CONTACT = frozenset({"opt_out_link"})
_DRIVERS = frozenset({"driver_device"})
_INTEGRATION = frozenset({KeyRole.INTEGRATION})
_SHOPS = _INTEGRATION | {KeyRole.CHECKOUT}

TABLE: Mapping[Act, Grant] = {
    Act.SELF_VIEW: Grant(_EVERY_MEMBER, _EVERY_KEY),
    Act.SELF_EDIT: Grant(_EVERY_MEMBER),
    Act.PASSWORD_SET: Grant(links=frozenset({"password_link"})),
    Act.HOME_VIEW: Grant(_EVERY_MEMBER),
    Act.SOCKETS_OPEN: Grant(_EVERY_MEMBER, _INTEGRATION | {KeyRole.DRIVER}),
    Act.ORDERS_VIEW: Grant(_READERS, _INTEGRATION),
    Act.ORDERS_EDIT: Grant(_DISPATCHERS, _INTEGRATION),
    Act.CODES_REVEAL: Grant(_DISPATCHERS),
    Act.ORDERS_IMPORT: Grant(_DISPATCHERS, _INTEGRATION),
    Act.FLEET_VIEW: Grant(_READERS, _INTEGRATION),
    Act.FLEET_EDIT: Grant(_DISPATCHERS, _INTEGRATION),
    Act.PLANS_VIEW: Grant(_READERS, _INTEGRATION),
    Act.PLANS_EDIT: Grant(_DISPATCHERS, _INTEGRATION),
    Act.PLANS_PUBLISH: Grant(_DISPATCHERS, _INTEGRATION),
    Act.SLOTS_VIEW: Grant(_READERS, _INTEGRATION),
    Act.SLOTS_EDIT: Grant(_DISPATCHERS, _INTEGRATION),
    Act.OFFERS_VIEW: Grant(_READERS, _SHOPS),
    Act.OFFERS_CHOOSE: Grant(_DISPATCHERS, _SHOPS),
    Act.MESSAGES_VIEW: Grant(_READERS, _INTEGRATION),
    Act.MESSAGES_SEND: Grant(_DISPATCHERS, _INTEGRATION),
    Act.TEMPLATES_EDIT: Grant(_MANAGERS, all_hubs=True),
    Act.CHANNELS_EDIT: Grant(_MANAGERS, all_hubs=True),
    Act.JOBS_VIEW: Grant(_READERS, _INTEGRATION),
    Act.JOBS_CANCEL: Grant(_DISPATCHERS, _INTEGRATION),
    Act.EVENTS_VIEW: Grant(_MANAGERS, _INTEGRATION, all_hubs=True),
    Act.MEMBERS_VIEW: Grant(_MANAGERS, all_hubs=True),
    Act.MEMBERS_EDIT: Grant(_MANAGERS, all_hubs=True),
    Act.KEYS_VIEW: Grant(_MANAGERS, all_hubs=True),
    Act.KEYS_EDIT: Grant(_MANAGERS, all_hubs=True),
    Act.POLICY_VIEW: Grant(_READERS),
    Act.POLICY_EDIT: Grant(_MANAGERS, all_hubs=True),
    Act.AUDIT_VIEW: Grant(_MANAGERS, all_hubs=True),
    Act.DRIVER_VIEW: Grant(devices=_DRIVERS),
    Act.DRIVER_ACT: Grant(devices=_DRIVERS),
    Act.POSITIONS_SEND: Grant(keys=_INTEGRATION | {KeyRole.DRIVER}, devices=_DRIVERS),
    Act.DEVICES_VIEW: Grant(_READERS, _INTEGRATION),
    Act.DEVICES_EDIT: Grant(_DISPATCHERS, _INTEGRATION),
    Act.INCIDENTS_VIEW: Grant(_READERS, _INTEGRATION),
    Act.INCIDENTS_EDIT: Grant(_DISPATCHERS, _INTEGRATION),
    Act.LOCKERS_VIEW: Grant(_READERS, _INTEGRATION),
    Act.LOCKERS_EDIT: Grant(_DISPATCHERS, _INTEGRATION),
    Act.LOCKERS_RESERVE: Grant(_DISPATCHERS, _INTEGRATION),
    Act.LOCKERS_CODES: Grant(_DISPATCHERS, _INTEGRATION),
    Act.LOCKERS_COMMAND: Grant(_DISPATCHERS, _INTEGRATION),
    Act.LOCKERS_REPORT: Grant(keys=_INTEGRATION | {KeyRole.LOCKER}),
    Act.LOCKERS_COUNTER: Grant(_PICKERS),
    Act.LOCKERS_ACCOUNTS: Grant(_MANAGERS, all_hubs=True),
    Act.SHOPPER_VIEW: Grant(links=_SHOPPER),
    Act.SHOPPER_CHANGE: Grant(links=_SHOPPER),
    Act.CONTACT_VIEW: Grant(links=_CONTACT),
    Act.CONTACT_CHANGE: Grant(links=_CONTACT),
    Act.RETAILERS_VIEW: Grant(_MANAGERS, all_hubs=True, house=True),
    Act.RETAILERS_EDIT: Grant(_OWNER, all_hubs=True, house=True),
}


def granted(kind: Kind, role: str, act: Act) -> bool:
    """Return True if the table allows the act to this role, without a check of hubs or house."""
    row = TABLE.get(act)
    if row is None:
        return False
    roles: Mapping[Kind, frozenset[str]] = {
        Kind.MEMBER: frozenset(row.members),
        Kind.KEY: frozenset(row.keys),
        Kind.LINK: row.links,
        Kind.DEVICE: row.devices,
    }
    return role in roles[kind]
