"""Vector registers for numba, which has no such type of its own: LANES numbers that move and add as one."""

# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from typing import Any

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import models, register_model

intrinsic: Any = numba.extending.intrinsic  # its annotations are of the functions before decoration

LANES = 16  # numbers of a register


class Vector(types.Type):
    """LANES numbers of one precision in a register: numba has no such type of its own."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        element = manager.lookup(kind.dtype).get_value_type()
        super().__init__(manager, kind, ir.VectorType(element, LANES))


def _address(context, builder, array_type, array, index):
    """Where the vector that starts at ``array[index]`` lies; (address, alignment)."""
    data = context.make_array(array_type)(context, builder, array).data
    kind = context.get_value_type(Vector(array_type.dtype))
    return builder.bitcast(builder.gep(data, [index]), kind.as_pointer()), array_type.dtype.bitwidth // 8


@intrinsic
def load(typing, array, index):
    """The vector ``array[index : index + LANES]`` of a contiguous row."""

    def generate(context, builder, signature, arguments):
        address, align = _address(context, builder, signature.args[0], *arguments)
        return builder.load(address, align=align)

    return Vector(array.dtype)(array, types.intp), generate


@intrinsic
def store(typing, array, index, vector):
    """``array[index : index + LANES] = vector``."""

    def generate(context, builder, signature, arguments):
        address, align = _address(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], address, align=align)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), generate


@intrinsic
def prefetch(typing, array, index):
    """Ask for the cache line of ``array[index]``; beyond the end it does nothing."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        i32 = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, i32, i32, i32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [address, i32(0), i32(3), i32(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@intrinsic
def spread(typing, number):
    """A vector whose entries all are ``number``."""

    def generate(context, builder, signature, arguments):
        kind = context.get_value_type(signature.return_type)
        one = builder.insert_element(ir.Constant(kind, ir.Undefined), arguments[0], ir.IntType(32)(0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), everywhere)

    return Vector(number)(number), generate


@intrinsic
def add(typing, a, b):
    """a + b."""
    return a(a, b), lambda context, builder, signature, arguments: builder.fadd(*arguments)


@intrinsic
def multiply_add(typing, a, b, c):
    """a b + c in one operation where the processor has it."""

    def generate(context, builder, signature, arguments):
        product = builder.fmul(arguments[0], arguments[1], flags=("contract",))
        return builder.fadd(product, arguments[2], flags=("contract",))

    return a(a, b, c), generate


@intrinsic
def sum_up(typing, vector):
    """The sum of the entries, by halves."""

    def generate(context, builder, signature, arguments):
        value, width = arguments[0], LANES
        while width > 1:
            width //= 2
            upper = ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(width, 2 * width)))
            lower = ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(width)))
            value = builder.fadd(
                builder.shuffle_vector(value, value, lower), builder.shuffle_vector(value, value, upper)
            )
        return builder.extract_element(value, ir.IntType(32)(0))

    return vector.dtype(vector), generate


@intrinsic
def multiply(typing, a, b):
    """a b."""
    return a(a, b), lambda context, builder, signature, arguments: builder.fmul(*arguments)


@intrinsic
def subtract(typing, a, b):
    """a - b."""
    return a(a, b), lambda context, builder, signature, arguments: builder.fsub(*arguments)


def _negative(builder, vector):
    """Where entries are below 0, and zeros."""
    zeros = ir.Constant(vector.type, [0.0] * LANES)
    return builder.fcmp_ordered("<", vector, zeros), zeros


@intrinsic
def negative_part(typing, vector):
    """min(x, 0), entry by entry."""

    def generate(context, builder, signature, arguments):
        where, zeros = _negative(builder, arguments[0])
        return builder.select(where, arguments[0], zeros)

    return vector(vector), generate


@intrinsic
def is_negative(typing, vector):
    """1 where x < 0, else 0."""

    def generate(context, builder, signature, arguments):
        where, zeros = _negative(builder, arguments[0])
        return builder.select(where, ir.Constant(arguments[0].type, [1.0] * LANES), zeros)

    return vector(vector), generate
