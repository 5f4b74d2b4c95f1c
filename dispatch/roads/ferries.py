"""Reads how long a ferry takes. PURE.

Source: https://wiki.openstreetmap.org/wiki/Tag:route%3Dferry, Key:duration, Key:interval.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

LONGEST_S: Final = 2 * 86_400  # a longer duration is a mistake of the map
_CLOCK: Final = re.compile(r"^(?:(\d{1,3}):)?(\d{1,3})(?::(\d{2}))?$")
_ISO: Final = re.compile(r"^P?T?(?:(\d+)H)?(?:(\d+)M(?:IN)?)?(?:(\d+)S)?$", re.IGNORECASE)


def seconds(text: str) -> int:
    """Return a duration such as "00:20", "01:05:00", "20" (minutes) or "PT20M"; 0 if unknown."""
    plain = text.strip().replace(" ", "")
    clock, iso = _CLOCK.match(plain), _ISO.match(plain)
    if clock:
        hours, minutes, rest = (int(part or 0) for part in clock.groups())
    elif iso and any(iso.groups()):
        hours, minutes, rest = (int(part or 0) for part in iso.groups())
    else:
        return 0
    whole = hours * 3600 + minutes * 60 + rest
    return whole if whole <= LONGEST_S else 0


def crossing_s(tags: Mapping[str, str]) -> int:
    """Return the seconds on board plus half the interval of departures; 0 if unknown.

    Half the interval is the mean wait. Without an interval on the map, no wait is counted.
    """
    on_board = seconds(tags.get("duration", ""))
    return on_board + seconds(tags.get("interval", "")) // 2 if on_board else 0
