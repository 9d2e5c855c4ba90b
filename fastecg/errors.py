"""What can go wrong, one class a kind of input. Every message names the file, what is wrong and what was expected."""


class FastecgError(Exception):
    """Base of every error raised on purpose by fastecg."""


class RecordError(FastecgError):
    """A record cannot be read or drawn."""


class RecipeError(FastecgError):
    """A recipe or shot is not valid."""


class LayoutError(FastecgError):
    """A layout, style or machine setting is unknown or does not fit the record."""


class ImageError(FastecgError):
    """An image cannot be read or digitised, or its truth is missing."""
