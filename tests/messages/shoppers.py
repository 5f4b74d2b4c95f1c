"""The list of files whose texts shoppers and drivers can read: they need every language of both.

A new package with pages or errors for shoppers is added to ``READ``. Staff pages, settings and
commands inside such a package are left out by their names.
"""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Final

from tests.messages.source import SourceTexts

#: Files that shoppers read, by pattern; a ``*`` also matches slashes.
READ: Final = (
    "portal/shopper/*",
    "portal/tracking/*",
    "portal/feedback/*",
    "notifications/errors.py",
    "notifications/links.py",
    "notifications/rendering/stop_lines.py",
    "portal/choice/*",
    "lockers/selectors/hours.py",
    "lockers/services/choosing.py",
    "lockers/services/holding.py",
    "lockers/services/reserving.py",
    "dispatch/driver/*",
    "lockers/courier/*",
    "dispatch/live/credentials.py",
    "dispatch/live/errors.py",
    "dispatch/live/services/codes.py",
    "dispatch/live/services/devices.py",
    "dispatch/live/words.py",
    "dispatch/slots/errors.py",
    "dispatch/slots/rules/*",
    "dispatch/slots/services/*",
    "dispatch/orders/links.py",
    "dispatch/orders/wording.py",
    "lastmile/core/codes.py",
    "lastmile/core/context.py",
    "lastmile/core/formatting.py",
    "lastmile/core/refusals.py",
    "lastmile/core/http/forms.py",
    "lastmile/core/http/pages.py",
    "lastmile/core/http/problems.py",
    "lastmile/core/http/throttle.py",
    "lastmile/core/templates/base.html",
    "lastmile/core/templates/base_driver.html",
    "lastmile/core/templates/base_shopper.html",
    "lastmile/core/templates/components/_brand.html",
    "lastmile/core/templates/components/_field.html",
    "lastmile/core/templates/components/_map.html",
    "lastmile/core/templatetags/maps.py",
    "tenants/middleware.py",
    "tenants/permissions.py",
)
#: Files among them that only the retailer's members or the operator read.
NOT_READ: Final = (
    "*/apps.py",
    "*/audit_words.py",
    "*/demo.py",
    "*/demo/*",
    "*/management/*",
    "*/policy.py",
    "*/rolls.py",
    "*/staff.py",
    "*/staff/*",
    "dispatch/slots/services/changing.py",
    "dispatch/slots/services/checking.py",
    "dispatch/slots/services/closing.py",
    "dispatch/slots/services/templates.py",
    "dispatch/slots/services/writing.py",
)


def read_by_shoppers(path: str) -> bool:
    """Return True if shoppers can read the texts of a file; ``path`` is relative to the root."""
    if any(fnmatch(path, pattern) for pattern in NOT_READ):
        return False
    return any(fnmatch(path, pattern) for pattern in READ)


def texts_for_shoppers(sources: SourceTexts) -> SourceTexts:
    """Return only the texts that shoppers can read, with the files where they read them."""
    shown = SourceTexts()
    for key, text in sources.texts.items():
        places = {place for place in sources.places[key] if read_by_shoppers(place)}
        if places:
            shown.texts[key] = text
            shown.places[key] = places
    return shown
