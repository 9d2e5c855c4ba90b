"""What can go wrong, one class a kind of input. Every message names the file, what is wrong and what was expected."""

_LONGEST = 2000  # letters: what is wrong may be megabytes long

_DISTRIBUTIONS = {"PIL": "pillow", "skimage": "scikit-image"}  # module -> what installs it, where the names differ


class FastecgError(Exception):
    """Base of every error raised on purpose by fastecg."""

    def __str__(self) -> str:
        text = super().__str__()
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
    """One sentence about a package that is missing, as in a slim install; ours say it themselves."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return str(error)
    package = error.name.partition(".")[0]
    package = _DISTRIBUTIONS.get(package, package)
    return f"{package} is not installed, expected `pip install {package}` to have been run"
