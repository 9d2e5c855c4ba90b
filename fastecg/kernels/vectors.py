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
    """The vector operations of which intrinsics are composed.

    Each method appends instructions to the function that is being compiled and returns the LLVM value that they compute. A vector has
    several numbers of one type, its lanes. `b` is LLVM's builder of instructions.
    """

    def __init__(self, builder: Any) -> None:
        self.b = builder

    def constant(self, element: Any, values: Any) -> Any:
        """A constant vector with the given values as numbers of type `element`."""
        values = list(values)
        return ir.Constant(ir.VectorType(element, len(values)), values)

    def interleave(self, channels: list[Any]) -> Any:
        """Three vectors of n numbers as one of 3 n: the first of each channel, then the second of each, and so on."""
        count = channels[0].type.count
        pair = self.shuffle(channels[0], list(range(2 * count)), channels[1])
        third = self.shuffle(channels[2], [*range(count)] * 2)
        return self.shuffle(pair, [lane for k in range(count) for lane in (k, count + k, 2 * count + k)], third)

    def broadcast(self, value: Any, count: int) -> Any:
        """A vector with a scalar in all of its `count` lanes."""
        vector = ir.VectorType(value.type, count)
        first = self.b.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(I32, 0))
        return self.shuffle(first, [0] * count)

    def shuffle(self, vector: Any, lanes: list[int], other: Any = None) -> Any:
        """A vector of the given lanes of `vector`, in the given order. The lanes of `other` are numbered after those of `vector`."""
        other = ir.Constant(vector.type, ir.Undefined) if other is None else other
        return self.b.shuffle_vector(vector, other, self.constant(I32, lanes))

    def load(self, address: Any, element: Any, count: int, offset: int = 0) -> Any:
        """A vector of `count` elements (or a scalar, if `count` is 1) read at `address` plus `offset` bytes, aligned or not."""
        llvm_type = ir.VectorType(element, count) if count > 1 else element
        pointer = self.b.add(address, ir.Constant(I64, offset)) if offset else address
        loaded = self.b.load(self.b.inttoptr(pointer, llvm_type.as_pointer()))
        loaded.align = 1
        return loaded

    def store(self, value: Any, address: Any) -> None:
        """Write a vector to an address, aligned or not."""
        self.b.store(value, self.b.inttoptr(address, value.type.as_pointer())).align = 1

    def widen(self, vector: Any, element: Any, signed: bool = True) -> Any:
        """The same numbers in the wider type `element`."""
        llvm_type = ir.VectorType(element, vector.type.count)
        return self.b.sext(vector, llvm_type) if signed else self.b.zext(vector, llvm_type)

    def narrow(self, vector: Any, element: Any) -> Any:
        """The lower bits of each number, as many as the narrower type `element` has."""
        return self.b.trunc(vector, ir.VectorType(element, vector.type.count))

    def full_like(self, like: Any, value: int) -> Any:
        """A constant vector of the type of another one, with the same number in all lanes."""
        return self.constant(like.type.element, [value] * like.type.count)

    def shift(self, vector: Any, bits: int) -> Any:
        """Each number shifted to the left by positive `bits`, or to the right, with its sign kept, by negative ones or 0."""
        move = self.b.shl if bits > 0 else self.b.ashr
        return move(vector, self.full_like(vector, abs(bits)))

    def minimum(self, vector: Any, bound: int) -> Any:
        """Each number, taken as signed, or the bound if that is smaller."""
        limit = self.full_like(vector, bound)
        return self.b.select(self.b.icmp_signed("<", vector, limit), vector, limit)

    def maximum(self, vector: Any, bound: int) -> Any:
        """Each number, taken as signed, or the bound if that is larger."""
        limit = self.full_like(vector, bound)
        return self.b.select(self.b.icmp_signed(">", vector, limit), vector, limit)

    def multiply_high(self, a: Any, b: Any, signed: bool = False) -> Any:
        """The upper 16 bits of the products of 16-bit numbers, (a * b) >> 16: one instruction on nearly all processors."""
        product = self.b.mul(self.widen(a, I32, signed), self.widen(b, I32, signed))
        return self.narrow(self.b.lshr(product, self.full_like(product, 16)), I16)

    def interpolate(self, a: Any, b: Any, eighths: list[int]) -> Any:
        """Unsigned 16-bit numbers between `a` and `b`; `eighths` is how many eighths of the way from `a` each lane lies.

        Two products are rounded down, so results are less than 2 below the exact ones.
        """
        weight = self.constant(I16, [min((8 - k) << 13, 0xFFFF) for k in eighths])
        return self.b.add(self.multiply_high(a, weight), self.multiply_high(b, self.constant(I16, [k << 13 for k in eighths])))

    def add_saturated(self, a: Any, b: Any) -> Any:
        """Sums of signed numbers, limited to the range of their type instead of overflowing."""
        llvm_type = a.type
        name = f"llvm.sadd.sat.v{llvm_type.count}i{llvm_type.element.width}"
        function = cgutils.get_or_insert_function(self.b.module, ir.FunctionType(llvm_type, [llvm_type, llvm_type]), name)
        return self.b.call(function, [a, b])
