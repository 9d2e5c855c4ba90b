"""Prefetching for loops whose accesses to memory are irregular."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

_I8 = ir.IntType(8)
_I32 = ir.IntType(32)


@intrinsic
def prefetch(typing, address):
    """Tell the processor that memory at an address will be read soon. Any address is allowed, also one outside of arrays."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _I8.as_pointer())
        function_type = ir.FunctionType(ir.VoidType(), [pointer.type, _I32, _I32, _I32])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], function_type)
        # Flags of llvm.prefetch: for reading, keep in all caches, data rather than instructions.
        builder.call(prefetch, [pointer, *(ir.Constant(_I32, flag) for flag in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(types.int64), emit
