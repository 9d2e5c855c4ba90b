"""The decorator of all compiled loops, and the cache of their machine code.

Numba's own cache asks only whether the *caller's* file changed: a kernel whose helper in another file was edited would go on
returning the old results. So each file's kernels are kept in a folder named by a hash over that file and every file of the
package it imports, directly or not.

The folders lie in the user's cache; `FASTECG_CACHE_DIR`, then `NUMBA_CACHE_DIR`, name another place. They may be deleted at any time.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, overload

_PACKAGE = Path(__file__).resolve().parent.parent
_IMPORTS = re.compile(r"^\s*(?:from\s+(fastecg[\w.]*)\s+import\s*(\([^)]*\)|[^\n#]*)|import\s+(fastecg[\w.]*))", re.MULTILINE)
_CACHE_DIR_LOCK = threading.Lock()
# What is called before a kernel is compiled, and after. At most one pair: a later call of `on_compile` replaces it.
_HOOKS: list[tuple[Callable[[], None], Callable[[], None] | None]] = []

Function = TypeVar("Function", bound=Callable[..., Any])


@overload
def jit(function: Function) -> Function: ...
@overload
def jit(**options: Any) -> Callable[[Function], Function]: ...
def jit(function: Function | None = None, **options: Any) -> Any:
    """Compile a function: `numba.njit` without the GIL, cached, NumPy's division rules, strict arithmetic.

    Works bare (``@jit``) and with options of `numba.njit` (``@jit(inline="always")``). Fastmath is off: it was
    8 % faster, but strokes then differed in some bytes between models of processors. Where no cache can be written, the function is
    compiled afresh in every process.
    """
    if function is None:
        return functools.partial(jit, **options)
    import numba

    _watch_compiler()
    settings = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, **options}
    folder = _folder(Path(function.__code__.co_filename))
    if not _writable(folder):
        return numba.njit(function, **settings)
    # Numba reads the place when the function is decorated, not when it is compiled, so the setting is needed here only.
    config: Any = numba.config
    with _CACHE_DIR_LOCK:
        before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
        try:
            return numba.njit(function, cache=True, **settings)
        except RuntimeError:  # "no locator available": the code has no file.
            return numba.njit(function, **settings)
        finally:
            config.CACHE_DIR = before


def on_compile(began: Callable[[], None], ended: Callable[[], None] | None = None) -> None:
    """Register functions that are called before a kernel is compiled, and after; they are not called for kernels read from the cache.

    A kernel that is compiled because another one calls it is not announced by itself. A later call of this function replaces an
    earlier one. Does not import Numba, which takes half a second.
    """
    _HOOKS[:] = [(began, ended)]


@functools.cache
def _watch_compiler() -> None:
    """Have the functions of `on_compile` called, and pause garbage collection whenever a kernel is compiled.

    Millions of objects are made then, and few of them are garbage.
    """
    from numba.core.event import register

    was_on: list[bool] = []

    def began() -> None:
        was_on.append(gc.isenabled())
        gc.disable()
        for before, _ in _HOOKS:
            before()

    def ended() -> None:
        if was_on.pop():
            gc.enable()
        for _, after in _HOOKS:
            if after is not None:
                after()

    register("numba:compile", _listener(began, ended))


def _listener(began: Callable[[], None], ended: Callable[[], None]) -> Any:
    """Return a listener that calls `began` and `ended` once for a kernel and all kernels that are compiled with it."""
    from numba.core.event import Listener

    class Compiling(Listener):
        depth = 0

        def on_start(self, event: Any) -> None:
            self.depth += 1
            if self.depth == 1:
                began()

        def on_end(self, event: Any) -> None:
            self.depth -= 1
            if self.depth == 0:
                ended()

    return Compiling()


def kernels_cached() -> bool:
    """Whether the kernels of strokes are in the cache, as a sign that all others are.

    If they are not, the first page waits some 20 s for the compiler. Does not import Numba.
    """
    return any(_folder(Path(__file__).resolve().parent / "line.py").rglob("*.nbi"))


def _cache_root() -> Path:
    """Return where the folders of machine code lie."""
    chosen = os.environ.get("FASTECG_CACHE_DIR") or os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    base = os.path.expanduser(base)
    # Without a home the tilde stays; below the null device nothing can be written, so nothing is cached.
    return Path(os.devnull if base.startswith("~") else base) / "fastecg"


def _folder(file: Path) -> Path:
    """Return the folder for the machine code of one source file as it now is."""
    # Code compiled with bounds checks must not be taken for code without.
    digest = hashlib.sha256(os.environ.get("NUMBA_BOUNDSCHECK", "").encode())
    for source in sorted(_closure(file)):
        digest.update(_contents(source))
    return _cache_root() / digest.hexdigest()[:16]


def _closure(file: Path) -> set[Path]:
    """Return `file` and every file of the package that it imports, directly or not."""
    found, waiting = set(), [file]
    while waiting:
        source = waiting.pop()
        if source not in found:
            found.add(source)
            waiting += _imported(source)
    return found


@functools.cache
def _imported(file: Path) -> list[Path]:
    """Return the package files named by the import lines of one file."""
    modules = set()
    for parent, names, plain in _IMPORTS.findall(_contents(file).decode("utf-8", "replace")):
        modules |= {parent or plain, *(f"{parent}.{name}" for name in re.findall(r"\w+", names))}
    bases = [_PACKAGE.joinpath(*module.split(".")[1:]) for module in modules]
    candidates = [path for base in bases for path in (base.with_suffix(".py"), base / "__init__.py")]
    return [path for path in candidates if path.is_file()]


@functools.cache
def _contents(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # The source was typed at a prompt, or is in a zip archive.
        return b""


@functools.cache
def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
