"""Heap memory of a process that draws many pages.

Memory fresh from the system costs a page fault every 4 kB, in total a twentieth of the time of a photo. Memory freed by a page of usual
size is therefore kept for the next one. For large pages it is returned to the system, before drawing and before encoding. Both need
glibc; elsewhere the functions do nothing.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

_LARGE = 30_000_000  # A picture is large from this number of bytes on: 10 megapixels. A letter page at 300 dpi has fewer.
_M_TRIM_THRESHOLD = -1  # Option of mallopt (malloc.h): free bytes at the top of the heap above which they are returned to the system.
_M_MMAP_THRESHOLD = -3  # Option of mallopt: number of bytes from which an array gets a mapping of its own.
_MAPPED = 32 << 20  # Value of that option, bytes: the largest that glibc accepts. Pillow allocates blocks of 16 MB.
# Number of free bytes that are kept. With 48 MB, and memory returned from 15 MB on, a scan took 6 ms more and one at 300 dpi 30 ms more,
# without taking less memory.
_KEPT = 96 << 20


def keep_freed() -> None:
    """Have glibc keep what is freed, up to 96 MB, and map only the arrays of very large pages one by one."""
    with suppress(OSError, AttributeError, TypeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _MAPPED)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT)


def trim_heap_if_large(picture_bytes: int) -> None:
    """Return free heap memory to the system if the picture being made, of so many bytes, is large."""
    if picture_bytes > _LARGE:
        with suppress(OSError, AttributeError, TypeError):
            ctypes.CDLL(None).malloc_trim(0)
