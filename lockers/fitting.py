"""Which compartment a parcel fits into. PURE.

A parcel may be turned: it fits if one of its six orientations fits with the clearance. For boxes
with right angles this is the same as comparing the sorted sides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

CLEARANCE_MM: Final = 10  # free space in each direction, for the hand and for bulging cartons


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The three sides of a parcel, or of the inside of a compartment, in mm.

    Raises ValueError for a side that is not positive.
    """

    width_mm: int
    height_mm: int
    depth_mm: int

    def __post_init__(self) -> None:
        if min(self.width_mm, self.height_mm, self.depth_mm) <= 0:
            raise ValueError("Each side is a positive number of mm.")

    @property
    def sides(self) -> tuple[int, int, int]:
        """The sides, the shortest first."""
        least, middle, most = sorted((self.width_mm, self.height_mm, self.depth_mm))
        return least, middle, most

    @property
    def volume_mm3(self) -> int:
        return self.width_mm * self.height_mm * self.depth_mm


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The needs of a parcel: its size, cooling, and a low door if the shopper asked for one.

    ``above_mm3`` is the volume of a compartment that was too small after all.
    """

    size: Size
    cooled: bool = False
    low_door: bool = False
    above_mm3: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelNeed:
    """The needs of one parcel, and its weight."""

    need: Need
    weight_g: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A compartment to choose: its id, its inner size, and whether its door is low."""

    id: int
    inside: Size
    low: bool = False


def needed(parcel: Size, clearance_mm: int = CLEARANCE_MM) -> tuple[int, int, int]:
    """Return the least inner sides for a parcel, the shortest first."""
    least, middle, most = parcel.sides
    return least + clearance_mm, middle + clearance_mm, most + clearance_mm


def fits(parcel: Size, inside: Size, clearance_mm: int = CLEARANCE_MM) -> bool:
    """Return True if a parcel fits in one of its six orientations, with the clearance."""
    pairs = zip(needed(parcel, clearance_mm), inside.sides, strict=True)
    return all(side <= space for side, space in pairs)


def in_order(parcel: Size, boxes: Iterable[Box], *, low_door: bool = False) -> list[Box]:
    """Return the boxes that fit: the smallest first.

    With ``low_door`` only those with a low door. Without it, a low door is kept for people who need
    it: among boxes of one size those with a high door come first.
    """
    fitting = [box for box in boxes if fits(parcel, box.inside) and (box.low or not low_door)]
    return sorted(fitting, key=lambda box: (box.inside.volume_mm3, box.low, box.id))


def best(parcel: Size, boxes: Iterable[Box], *, low_door: bool = False) -> Box | None:
    """Return the smallest box that fits, or None."""
    return next(iter(in_order(parcel, boxes, low_door=low_door)), None)
