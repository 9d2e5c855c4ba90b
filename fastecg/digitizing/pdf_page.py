"""Draw a page of a PDF in a separate process. Some pages would take hours and all memory, and only a process can be limited."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from contextlib import suppress

import numpy as np

from fastecg.errors import FastecgError, ImageError

_DPI = 200.0  # Resolution at which pages are drawn.
_POINT = 72.0  # Points per inch, the unit of PDF.
_LONGEST_SIDE = 32_000  # Largest side of a drawn page in px.
_SECONDS = 20.0  # Time that the process may take for a page, since some files would take hours.
_MEMORY = 1 << 30  # Memory in bytes that the process may use, since some files would take all of it.
_NO_LIBRARY = 3  # Exit status of the process if pypdfium2 is not installed.
# The program of the process. Its first argument is `sys.path` as JSON, so that it finds the packages of the process that starts it.
_CHILD = "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); from fastecg.digitizing.pdf_page import main; main()"


def read_pdf_page(path: str | os.PathLike[str], page: int, most_pixels: int) -> np.ndarray:
    """Draw page `page` of a PDF, counted from 0, as (height, width, 3) uint8.

    The page is drawn at 200 dpi, or at less if the picture would have more than `most_pixels` pixels or a side longer than 32000 px.

    Raises
    ------
    ImageError
        If there is no such page, or it cannot be drawn within 20 s or, except on Windows, with 1 GiB of memory.
    FastecgError
        If pypdfium2 is not installed.
    """
    # Without "-I", the process could import modules of the current folder instead of installed ones.
    command = [sys.executable, "-I", "-c", _CHILD, json.dumps(sys.path), os.fspath(path), str(page), str(most_pixels)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise ImageError(f"{path}: page {page + 1} takes more than {_SECONDS:.0f} s to draw, expected a page with an ECG") from None
    if done.returncode == _NO_LIBRARY:
        raise FastecgError(f"{path}: PDF needs pypdfium2, expected `pip install 'fastecg[digitize]'` to have been run")
    size, _, pixels = done.stdout.partition(b"\n")
    if done.returncode != 0 or not size:
        message = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:200]
        raise ImageError(f"{path}: page {page + 1} cannot be read as a PDF ({message or 'out of memory'}), expected one with such a page")
    width, height = map(int, size.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def main() -> None:
    """Draw a page of a PDF, and write its width and height in px and its pixels to stdout.

    If this fails, the process exits with a message, or with the status `_NO_LIBRARY` if pypdfium2 is not installed. The arguments of the
    process are the path, the number of the page from 0, and the largest number of pixels.
    """
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limits.
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        import pypdfium2
    except ImportError:
        sys.exit(_NO_LIBRARY)
    path, number, most = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    try:
        page = pypdfium2.PdfDocument(path)[number]
        width, height = page.get_size()
        if not (1 <= width < math.inf and 1 <= height < math.inf):
            sys.exit(f"the page is {width:g} x {height:g} points")
        scale = min(_DPI / _POINT, math.sqrt(most / (width * height)), _LONGEST_SIDE / max(width, height))
        picture = page.render(scale=scale).to_pil().convert("RGB")
    except Exception as fault:  # The message of the library is passed on without its traceback.
        sys.exit(str(fault) or type(fault).__name__)
    sys.stdout.buffer.write(b"%d %d\n" % picture.size + picture.tobytes())
