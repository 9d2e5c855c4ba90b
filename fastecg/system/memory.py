"""Heap memory of a process that draws many pages.

Memory that is new from the system costs a page fault every 4 kB, in total a twentieth of the time of a photo. Memory that is freed after a
picture of usual size is therefore kept for the next one. For large pictures, free memory is returned to the system before drawing, after
exposure and before encoding. Both need glibc; elsewhere the functions do nothing.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

_LARGE = 30_000_000  # Pictures of more bytes are large: 10 megapixels. A letter page at 300 dpi has fewer.
_M_TRIM_THRESHOLD = -1  # Option of mallopt (malloc.h): free bytes at the top of the heap above which they are returned to the system.
_M_MMAP_THRESHOLD = -3  # Option of mallopt: number of bytes from which an array is mapped by itself, and so returned when it is freed.
_MAPPED = 32 << 20  # Value of that option, bytes: the largest that glibc accepts. Pillow allocates blocks of 16 MB.
# Number of free bytes that are kept. When 48 MB were kept, and pictures were large from 15 MB on, a scan took 6 ms more, and one at 300 dpi
# 30 ms more, without taking less memory.
_KEPT = 96 << 20


def keep_freed() -> None:
    """Make glibc keep up to 96 MB of freed memory, and map only arrays of 32 MB and more by themselves."""
    with suppress(OSError, AttributeError, TypeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, _MAPPED)
        libc.mallopt(_M_TRIM_THRESHOLD, _KEPT)


def trim_heap_if_large(picture_bytes: int) -> None:
    """Return free heap memory to the system if the picture that is being made, of `picture_bytes`, is large."""
    if picture_bytes > _LARGE:
        with suppress(OSError, AttributeError, TypeError):
            ctypes.CDLL(None).malloc_trim(0)
