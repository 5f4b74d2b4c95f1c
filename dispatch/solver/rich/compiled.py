"""The numba type of a ``Packed``: a pointer to a table of addresses and lengths. PURE.

Every module with compiled functions in this package imports this module first.
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
    """The type of a ``Packed`` in compiled code: name, element type and axes of each array."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        super().__init__(name=f"Packed{kinds}")

    def field(self, name: str) -> tuple[int, Any, int] | None:
        """Return an array's offset in the table, its element type and its number of axes.

        None if there is no such array.
        """
        offset = 0
        for field, scalar, dimensions in self.kinds:
            if field == name:
                return offset, _SCALARS[scalar], dimensions
            offset += 1 + dimensions
        return None


register_model(PackedType)(models.OpaqueModel)


_TYPES: dict[Kinds, PackedType] = {}  # cache: numba asks for the type at each call from Python


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
        field = kind.field(name)
        return None if field is None else types.Array(field[1], field[2], "C")


@lower_getattr_generic(PackedType)
def _attribute(context: Any, builder: Any, kind: PackedType, value: Any, name: str) -> Any:
    field = kind.field(name)
    if field is None:
        raise AttributeError(name)
    offset, scalar, dimensions = field
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
