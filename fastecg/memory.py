"""Memory of a process that draws one page after the other: kept for the next page where that saves time, given back where it is much.

Fresh memory costs a page fault every 4 kB, together a twentieth of a photo's time. So what a page of usual size frees is kept; what
usual ones have left is given back before a large one is drawn, and what that has used on the way before its file is made. Without
glibc nothing happens.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

_LARGE = 15_000_000  # bytes of a picture: 5 megapixels, more than a letter page at 200 dpi has
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
_MAPPED = 32 << 20  # the most that glibc takes; Pillow's blocks are of 16 MB
_KEPT = 48 << 20


def keep_freed() -> None:
    """Have glibc keep what is freed, up to 48 MB, and map only the arrays of very large pages one by one."""
    with suppress(OSError, AttributeError, TypeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, _MAPPED)
        libc.mallopt(_TRIM_THRESHOLD, _KEPT)


def trim_heap_if_large(picture_bytes: int) -> None:
    """Return free heap memory to the system if the picture being made, of so many bytes, is large."""
    if picture_bytes > _LARGE:
        with suppress(OSError, AttributeError, TypeError):
            ctypes.CDLL(None).malloc_trim(0)
