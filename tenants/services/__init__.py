"""Services on retailers: open, suspend, resume, close, set the policy and the clock."""

from tenants.services.clock import NotASandbox, set_clock
from tenants.services.house import migrate_house, pending_migrations
from tenants.services.lifecycle import HouseProtected, WrongMove, close, resume, suspend
from tenants.services.opening import (
    NameTaken,
    Opening,
    Owner,
    build,
    open_house,
    open_retailer,
    request_opening,
    reserve,
)
from tenants.services.policy import set_policy

__all__ = [
    "HouseProtected",
    "NameTaken",
    "NotASandbox",
    "Opening",
    "Owner",
    "WrongMove",
    "build",
    "close",
    "migrate_house",
    "open_house",
    "open_retailer",
    "pending_migrations",
    "request_opening",
    "reserve",
    "resume",
    "set_clock",
    "set_policy",
    "suspend",
]
