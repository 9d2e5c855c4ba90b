"""Addresses of arrays, for loops written in vector instructions, and the rule that keeps them valid.

Numba frees an array after the last line that *names* it, and does not know that an address taken before is still in use. So a
function may take addresses of its parameters only, and of views of them: the caller holds the arguments until the function returns.
Therefore one function allocates scratch memory and another takes its address. `tests/kernels/test_threads.py` checks this for every
kernel.
"""

from __future__ import annotations

import numpy as np

from fastecg.kernels.jit import jit


# Numba increases and decreases the reference count of an array at every call that the array is passed to, so this function is inlined.
@jit(inline="always")
def address(array):
    """The address of a parameter of the calling function, or of a view of one, as an integer of 64 bits."""
    return np.int64(array.ctypes.data)
