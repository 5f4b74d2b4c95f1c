"""Writes Mapbox vector tiles (version 2.1) without a protobuf library. PURE.

Source: https://github.com/mapbox/vector-tile-spec/tree/master/2.1
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

EXTENT: Final = 4096
MOVE_TO, LINE_TO, CLOSE = 1, 2, 7
_BOUNDS: Final = 1 << np.array([7, 14, 21, 28], np.int64)
Corners = npt.NDArray[np.int64]
Kind = Literal["line", "polygon"]
_KINDS: Final[Mapping[Kind, int]] = {"line": 2, "polygon": 3}


def varint(value: int) -> bytes:
    """Return an integer of 0 or more as a protobuf varint: seven bits a byte, low bits first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def varints(values: npt.NDArray[np.int64]) -> bytes:
    """Return many integers, each below 2**35, as varints one after the other."""
    size = 1 + np.searchsorted(_BOUNDS, values, side="right")
    parts = (values[:, None] >> np.arange(0, 35, 7)) & 0x7F
    at = np.arange(5)
    parts |= np.where(at < size[:, None] - 1, 0x80, 0)
    return bytes(parts[at < size[:, None]].astype(np.uint8))


def block(number: int, body: bytes) -> bytes:
    """Return a length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(body)) + body


@dataclass(slots=True)
class Layer:
    """A layer of a tile; each key and each value of its features is stored once."""

    name: str
    features: list[bytes] = field(default_factory=list)
    keys: dict[str, int] = field(default_factory=dict)
    values: dict[str | int, int] = field(default_factory=dict)

    def add(
        self, kind: Kind, parts: Sequence[Corners], properties: Mapping[str, str | int]
    ) -> None:
        """Add one feature: lines, or rings without their repeated last corner.

        Outer rings run clockwise on the screen, where y points down.
        """
        geometry = _commands(kind, parts)
        if not len(geometry):
            return
        tags: list[int] = []
        for key, value in properties.items():
            tags += (
                self.keys.setdefault(key, len(self.keys)),
                self.values.setdefault(value, len(self.values)),
            )
        self.features.append(
            block(2, varints(np.array(tags, np.int64)))
            + varint(3 << 3)
            + varint(_KINDS[kind])
            + block(4, varints(geometry))
        )

    def encoded(self) -> bytes:
        """Return the layer as a field of the tile; empty without features."""
        if not self.features:
            return b""
        body = varint(15 << 3) + varint(2) + block(1, self.name.encode())
        body += b"".join(block(2, feature) for feature in self.features)
        body += b"".join(block(3, key.encode()) for key in self.keys)
        for value in self.values:
            encoded_value = (
                block(1, value.encode())
                if isinstance(value, str)
                else varint(5 << 3) + varint(value)
            )
            body += block(4, encoded_value)
        body += varint(5 << 3) + varint(EXTENT)
        return block(3, body)


def _commands(kind: Kind, parts: Sequence[Corners]) -> npt.NDArray[np.int64]:
    """Return the drawing commands of a geometry: MoveTo, LineTo and, for polygons, ClosePath.

    Each corner is a zigzag-encoded step from the corner before.
    """
    pen = np.zeros((1, 2), np.int64)
    least = 2 if kind == "line" else 3
    out: list[npt.NDArray[np.int64]] = []
    for part in parts:
        moved = np.concatenate([[True], (np.diff(part, axis=0) != 0).any(axis=1)])
        corners = part[moved]
        if len(corners) < least:
            continue
        steps = np.diff(np.concatenate([pen, corners]), axis=0)
        zigzag = ((steps << 1) ^ (steps >> 63)).ravel()
        out += [
            np.array([1 << 3 | MOVE_TO]),
            zigzag[:2],
            np.array([(len(corners) - 1) << 3 | LINE_TO]),
            zigzag[2:],
        ]
        if kind == "polygon":
            out.append(np.array([1 << 3 | CLOSE]))
        pen = corners[-1:]
    return np.concatenate(out) if out else np.zeros(0, np.int64)
