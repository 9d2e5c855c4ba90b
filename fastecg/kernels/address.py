"""Addresses of arrays, for loops that are written in vector instructions, and the one rule that keeps them good.

Numba counts who uses an array and frees it behind the last line that *names* it; an address is a number and counts for nothing. So a
function may take addresses of its parameters only, and of views of them: whoever calls it holds its arguments until it returns.
Scratch memory is therefore allocated by one function and used by another. `tests/test_kernels.py` reads every kernel and holds it to that.
"""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit


@jit(inline="always")
def address(array):
    """Where a parameter of the calling function, or a view of one, begins: a whole number of 64 bits."""
    return np.int64(array.ctypes.data)
