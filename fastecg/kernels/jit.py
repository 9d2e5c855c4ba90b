"""The decorator of all compiled loops, and the cache of their machine code.

Numba's own cache only checks whether the *caller's* file has changed. If a helper in another file were edited, a kernel that calls it would
still give the old results. So each file's kernels are kept in a folder whose name is a hash of that file and of every file of the package
that it imports, directly or not.

The folders lie in the user's cache, or in the directory that `FASTECG_CACHE_DIR` or else `NUMBA_CACHE_DIR` names. They may be deleted at
any time.
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
# The functions that are called before and after a kernel is compiled: at most one pair, as a later call of `on_compile` replaces it.
_HOOKS: list[tuple[Callable[[], None], Callable[[], None] | None]] = []

Function = TypeVar("Function", bound=Callable[..., Any])


@overload
def jit(function: Function) -> Function: ...
@overload
def jit(**options: Any) -> Callable[[Function], Function]: ...
def jit(function: Function | None = None, **options: Any) -> Any:
    """Compile a function with `numba.njit`, without the GIL, with NumPy's rules for division, and keep its machine code in the cache.

    This decorator may be used as ``@jit`` and with options of `numba.njit`, as in ``@jit(inline="always")``. Numba's option `fastmath` is
    off: it made strokes 8 % faster, but some bytes then differed between models of processors. Where no cache can be written, the function
    is compiled again in every process.
    """
    if function is None:
        return functools.partial(jit, **options)
    import numba

    _watch_compiler()
    settings = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True, **options}
    folder = _folder(Path(function.__code__.co_filename))
    if not _writable(folder):
        return numba.njit(function, **settings)
    # Numba reads the cache's directory when the function is decorated, not when it is compiled, so the setting is needed here only.
    config: Any = numba.config
    with _CACHE_DIR_LOCK:
        before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
        try:
            return numba.njit(function, cache=True, **settings)
        except RuntimeError:  # "no locator available": the code has no file.
            return numba.njit(function, **settings)
        finally:
            config.CACHE_DIR = before


def subkernel(function: Function) -> Function:
    """Compile a function that only kernels call.

    It takes less time to compile, because it gets no wrapper with which Python could call it. If Python did call it, the process would
    crash.
    """
    return jit(no_cpython_wrapper=True)(function)


def on_compile(began: Callable[[], None], ended: Callable[[], None] | None = None) -> None:
    """Register functions that are called before and after a kernel is compiled. They are not called for kernels read from the cache.

    They are called once for a kernel and all kernels that are compiled because it calls them. A later call of this function replaces an
    earlier one. This function does not import Numba, which would take half a second.
    """
    _HOOKS[:] = [(began, ended)]


@functools.cache
def _watch_compiler() -> None:
    """See to it that, while a kernel is compiled, garbage collection is paused, and that the functions of `on_compile` are called.

    Compilation makes millions of objects, few of which are garbage.
    """
    from numba.core.event import register

    was_enabled: list[bool] = []

    def began() -> None:
        was_enabled.append(gc.isenabled())
        gc.disable()
        for before, _ in _HOOKS:
            before()

    def ended() -> None:
        if was_enabled.pop():
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


def are_kernels_cached() -> bool:
    """Return whether kernels were compiled before. Only the kernels of `line.py`, which every page needs, are looked for.

    If not, the first page waits some 20 s for the compiler. This function does not import Numba.
    """
    return any(_folder(Path(__file__).resolve().parent / "line.py").rglob("*.nbi"))


def _cache_root() -> Path:
    """Return the directory in which the folders of machine code lie."""
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
    # Without a home directory the tilde is still there. Below the null device nothing can be written, so nothing is cached.
    return Path(os.devnull if base.startswith("~") else base) / "fastecg"


def _folder(file: Path) -> Path:
    """Return the folder for the machine code of the present content of a source file."""
    # Code compiled with bounds checks must not be used in place of code without them.
    digest = hashlib.sha256(os.environ.get("NUMBA_BOUNDSCHECK", "").encode())
    for source in sorted(_with_imports(file)):
        digest.update(_contents(source))
    return _cache_root() / digest.hexdigest()[:16]


def _with_imports(file: Path) -> set[Path]:
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
    """Return the files of the package that one file's import lines name."""
    modules = set()
    for parent, names, plain in _IMPORTS.findall(_contents(file).decode("utf-8", "replace")):
        modules |= {parent or plain, *(f"{parent}.{name}" for name in re.findall(r"\w+", names))}
    bases = [_PACKAGE.joinpath(*module.split(".")[1:]) for module in modules]
    candidates = [path for base in bases for path in (base.with_suffix(".py"), base / "__init__.py")]
    return [path for path in candidates if path.is_file()]


@functools.cache
def _contents(file: Path) -> bytes:
    """Return the bytes of a file, which are empty if it cannot be read."""
    try:
        return file.read_bytes()
    except OSError:  # The source was typed at a prompt, or is in a zip archive.
        return b""


@functools.cache
def _writable(folder: Path) -> bool:
    """Make a folder if needed, and return whether files can be written to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
