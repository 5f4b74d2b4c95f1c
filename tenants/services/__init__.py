"""The acts on retailers; one file per act."""

from tenants.services.clock import NoSandbox, set_clock
from tenants.services.house import migrate_house, pending_migrations
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
from tenants.services.standing import HouseStands, WrongMove, close, resume, suspend

__all__ = [
    "HouseStands",
    "NameTaken",
    "NoSandbox",
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
