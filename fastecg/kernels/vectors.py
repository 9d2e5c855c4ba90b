"""Vector instructions for Numba intrinsics. They are generic instructions of LLVM, so results are the same on every processor."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils

I8 = ir.IntType(8)
I16 = ir.IntType(16)
I32 = ir.IntType(32)
I64 = ir.IntType(64)


class Vectors:
    """The vector operations in which the intrinsics are written."""

    def __init__(self, builder: Any) -> None:
        self.b = builder

    def constant(self, element: Any, values: Any) -> Any:
        """The values as a vector of their own."""
        values = list(values)
        return ir.Constant(ir.VectorType(element, len(values)), values)

    def woven(self, channels: list[Any]) -> Any:
        """Interleave three channels into pixels."""
        count = channels[0].type.count
        pair = self.pick(channels[0], list(range(2 * count)), channels[1])
        third = self.pick(channels[2], [*range(count)] * 2)
        return self.pick(pair, [lane for k in range(count) for lane in (k, count + k, 2 * count + k)], third)

    def splat(self, value: Any, count: int) -> Any:
        """A scalar in every lane."""
        vector = ir.VectorType(value.type, count)
        first = self.b.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(I32, 0))
        return self.pick(first, [0] * count)

    def pick(self, vector: Any, lanes: list[int], other: Any = None) -> Any:
        """Shuffle: take the given lanes; those of `other` are numbered after those of `vector`."""
        other = ir.Constant(vector.type, ir.Undefined) if other is None else other
        return self.b.shuffle_vector(vector, other, self.constant(I32, lanes))

    def load(self, address: Any, element: Any, count: int, step: int = 0) -> Any:
        """`count` elements at `address` plus `step` bytes, aligned or not."""
        kind = ir.VectorType(element, count) if count > 1 else element
        pointer = self.b.add(address, ir.Constant(I64, step)) if step else address
        loaded = self.b.load(self.b.inttoptr(pointer, kind.as_pointer()))
        loaded.align = 1
        return loaded

    def store(self, value: Any, address: Any) -> None:
        """Write a vector to an address, aligned or not."""
        self.b.store(value, self.b.inttoptr(address, value.type.as_pointer())).align = 1

    def widen(self, vector: Any, element: Any, signed: bool = True) -> Any:
        """The same numbers, each with more bits."""
        kind = ir.VectorType(element, vector.type.count)
        return self.b.sext(vector, kind) if signed else self.b.zext(vector, kind)

    def narrow(self, vector: Any, element: Any) -> Any:
        """The lower bits of each number."""
        return self.b.trunc(vector, ir.VectorType(element, vector.type.count))

    def repeat(self, like: Any, value: int) -> Any:
        """A vector with the same number in all lanes, of the type of another vector."""
        return self.constant(like.type.element, [value] * like.type.count)

    def shift(self, vector: Any, digits: int) -> Any:
        """Shift to the left for positive `digits`, arithmetically to the right for negative ones."""
        move = self.b.shl if digits > 0 else self.b.ashr
        return move(vector, self.repeat(vector, abs(digits)))

    def minimum(self, vector: Any, bound: int) -> Any:
        """The smaller of each number and a bound."""
        limit = self.repeat(vector, bound)
        return self.b.select(self.b.icmp_signed("<", vector, limit), vector, limit)

    def maximum(self, vector: Any, bound: int) -> Any:
        """The larger of each number and a bound."""
        limit = self.repeat(vector, bound)
        return self.b.select(self.b.icmp_signed(">", vector, limit), vector, limit)

    def product(self, a: Any, b: Any, signed: bool = False) -> Any:
        """(a * b) >> 16 in 16 bits: one instruction nearly everywhere."""
        product = self.b.mul(self.widen(a, I32, signed), self.widen(b, I32, signed))
        return self.narrow(self.b.lshr(product, self.repeat(product, 16)), I16)

    def between(self, a: Any, b: Any, eighths: list[int]) -> Any:
        """Interpolate unsigned 16-bit numbers, `eighths` of the way from a to b; rounded down twice, so it may be 1 too small."""
        rest = self.constant(I16, [min((8 - k) << 13, 0xFFFF) for k in eighths])
        return self.b.add(self.product(a, rest), self.product(b, self.constant(I16, [k << 13 for k in eighths])))

    def add_saturated(self, a: Any, b: Any) -> Any:
        """Sums that saturate instead of overflowing."""
        kind = a.type
        name = f"llvm.sadd.sat.v{kind.count}i{kind.element.width}"
        function = cgutils.get_or_insert_function(self.b.module, ir.FunctionType(kind, [kind, kind]), name)
        return self.b.call(function, [a, b])
