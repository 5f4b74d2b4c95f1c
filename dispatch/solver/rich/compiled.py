"""What a ``Packed`` is to numba: a pointer to a table of addresses and lengths. PURE.

Whatever is compiled in this package stands behind an import of this module.
"""

from __future__ import annotations

from typing import Any

from numba.core import cgutils, types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.arrayobj import make_array, populate_array

from dispatch.solver.compiling.compiled import compiled as compiled
from dispatch.solver.rich.packed import Kinds, Packed

_SCALARS = {
    "int64": types.int64,
    "int32": types.int32,
    "float64": types.float64,
    "uint64": types.uint64,
    "bool": types.boolean,
}


class PackedType(types.Type):  # type: ignore[misc]
    """The type of a ``Packed`` in compiled code: names, types and dimensions of its arrays."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        super().__init__(name=f"Packed{kinds}")

    def found(self, name: str) -> tuple[int, Any, int] | None:
        """Return where an array stands in the table, and its type and dimensions."""
        offset = 0
        for known, scalar, dimensions in self.kinds:
            if known == name:
                return offset, _SCALARS[scalar], dimensions
            offset += 1 + dimensions
        return None


register_model(PackedType)(models.OpaqueModel)


_TYPES: dict[Kinds, PackedType] = {}  # numba asks at each call from outside


@typeof_impl.register(Packed)
def _type_of(value: Packed, _context: Any) -> PackedType:
    if value.kinds not in _TYPES:
        _TYPES[value.kinds] = PackedType(value.kinds)
    return _TYPES[value.kinds]


@unbox(PackedType)
def _unbox(_kind: PackedType, value: Any, c: Any) -> NativeValue:
    number = c.pyapi.object_getattr_string(value, "address")
    address = c.pyapi.long_as_longlong(number)
    c.pyapi.decref(number)
    return NativeValue(c.builder.inttoptr(address, cgutils.voidptr_t))


@infer_getattr
class _Attributes(AttributeTemplate):  # type: ignore[misc]
    key = PackedType

    def generic_resolve(self, kind: Any, name: str) -> Any:  # type: ignore[override]
        found = kind.found(name)
        return None if found is None else types.Array(found[1], found[2], "C")


@lower_getattr_generic(PackedType)
def _attribute(context: Any, builder: Any, kind: PackedType, value: Any, name: str) -> Any:
    found = kind.found(name)
    if found is None:
        raise AttributeError(name)
    offset, scalar, dimensions = found
    array_type = types.Array(scalar, dimensions, "C")
    words = builder.bitcast(value, cgutils.intp_t.as_pointer())

    def word(at: int) -> Any:
        return builder.load(cgutils.gep_inbounds(builder, words, offset + at))

    array = make_array(array_type)(context, builder)
    size = context.get_abi_sizeof(context.get_data_type(scalar))
    shape = [word(1 + at) for at in range(dimensions)]
    strides = [cgutils.intp_t(size)] * dimensions
    for at in range(dimensions - 2, -1, -1):
        strides[at] = builder.mul(strides[at + 1], shape[at + 1])
    populate_array(
        array,
        data=builder.inttoptr(word(0), context.get_data_type(scalar).as_pointer()),
        shape=shape,
        strides=strides,
        itemsize=cgutils.intp_t(size),
        meminfo=None,
    )
    return array._getvalue()  # noqa: SLF001 - numba's own way to read a struct
