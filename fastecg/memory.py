"""Memory of a process that draws one page after the other: kept for the next page where that saves time, given back where it is much.

Fresh memory costs a page fault every 4 kB, together a twentieth of a photo's time. So what a page of usual size frees is kept; what a
large one has used on the way is given back before its file is made, which is when most is held. Without glibc nothing happens.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_LARGE = 15_000_000  # bytes of a picture: 5 megapixels, more than a letter page at 200 dpi has
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
_MAPPED = 32 << 20  # the most that glibc takes; Pillow's blocks are of 16 MB
_KEPT = 96 << 20


def keep_freed() -> None:
    """Have glibc keep what is freed, up to 96 MB, and map only the arrays of very large pages one by one."""
    with suppress(OSError, AttributeError, TypeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, _MAPPED)
        libc.mallopt(_TRIM_THRESHOLD, _KEPT)


def give_back_beside(picture: np.ndarray) -> None:
    """Give the system back what is free now, if the picture that goes on is a large one."""
    if picture.nbytes > _LARGE:
        with suppress(OSError, AttributeError, TypeError):
            ctypes.CDLL(None).malloc_trim(0)
