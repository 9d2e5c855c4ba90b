"""The errors and warnings, one class for each kind of input. A message says which file or value is wrong, why, and what was expected."""

import re

_LONGEST = 2000  # Longest message in characters, because what a message quotes may be megabytes long.

_DISTRIBUTIONS = {"PIL": "pillow", "skimage": "scikit-image"}  # Names of packages, by the names of their modules, if these differ.
# Characters that control a terminal (its cursor, its colours), end a line, or turn the direction of writing.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    """The text with every control character replaced by "?", so that it is one line. File names and headers may contain them."""
    return _CONTROLS.sub("?", text)


class FastecgError(Exception):
    """Base class of all errors that fastecg itself raises. Its message is one line of at most 2000 characters."""

    def __str__(self) -> str:
        text = one_line(super().__str__())
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 500]} … {text[-400:]}"


class UnitWarning(UserWarning):
    """A record's values cannot be millivolts."""


class RecordError(FastecgError):
    """A record cannot be read or drawn."""


class RecipeError(FastecgError):
    """A recipe or shot is not valid."""


class LayoutError(FastecgError):
    """A layout, style or machine setting is unknown or does not fit the record."""


class ImageError(FastecgError):
    """An image cannot be made, read or digitised, or its truth is missing."""


def not_installed(error: ImportError) -> str:
    """The message for an import error: how to install the package if one is missing, else the error's own message."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return str(error)
    package = error.name.partition(".")[0]
    package = _DISTRIBUTIONS.get(package, package)
    return f"{package} is not installed, expected `pip install {package}` to have been run"
