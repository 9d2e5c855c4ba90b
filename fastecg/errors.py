"""The errors and warnings, one class per kind of input. Every message names the file, what is wrong and what was expected."""

import re

_LONGEST = 2000  # Longest message in characters; what is quoted may be megabytes long.

_DISTRIBUTIONS = {"PIL": "pillow", "skimage": "scikit-image"}  # Packages by the names of their modules, if these differ.
# What moves a terminal's cursor or colours it (ESC), ends a line, or turns the direction of writing.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    """A text as one line without control characters. Names of files and words of headers may have any."""
    return _CONTROLS.sub("?", text)


class FastecgError(Exception):
    """Base of every error raised on purpose by fastecg. Its message is one line of at most some 2000 letters."""

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
    """An image cannot be read or digitised, or its truth is missing."""


def not_installed(error: ImportError) -> str:
    """A sentence about a missing package, which says how to install it; errors of our own pass unchanged."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return str(error)
    package = error.name.partition(".")[0]
    package = _DISTRIBUTIONS.get(package, package)
    return f"{package} is not installed, expected `pip install {package}` to have been run"
