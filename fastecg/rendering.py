"""`render`: one page of a record as a picture."""

from __future__ import annotations

import os
import warnings
from typing import cast

from fastecg.errors import UnitWarning
from fastecg.options import PageOptions, PictureOptions, takes
from fastecg.photo import Photo
from fastecg.recipe import Recipe
from fastecg.record import Record, unit_doubt


@takes(PictureOptions)
def render(record: Record | str | os.PathLike[str], options: PictureOptions) -> Photo:
    """Draw one page of a record as a picture.

    Parameters
    ----------
    record : Record or path
        A record, or the path of one, as for `fastecg.read_record`.
    <options>

    Returns
    -------
    Photo

    Raises
    ------
    RecipeError, LayoutError
        If an option is not valid or does not fit the record.
    RecordError
        If the record cannot be read.

    Warns
    -----
    UnitWarning
        If the record's values cannot be millivolts.

    Examples
    --------
    >>> import fastecg
    >>> record = fastecg.simulate("atrial_fibrillation", seed=3)
    >>> fastecg.render(record, layout="3x4+1", style="schiller", dpi=100, seed=7)
    Photo(1169 x 827 px, recipe clean, style schiller, layout 3x4+1, record 'atrial_fibrillation-normal-3')
    """
    if not isinstance(record, Record):
        from fastecg.readers import read_record

        record = read_record(record)
    if doubt := unit_doubt(record):
        warnings.warn(doubt, UnitWarning, stacklevel=2)
    return photo_of(record, options, options.page, options.variant)


def photo_of(record: Record, options: PageOptions, page: int, variant: int) -> Photo:
    """Draw one page of a record with these options; see `render`."""
    recipe = cast("Recipe", options.recipe)
    return recipe.sample(record, page=page, variant=variant, **options.sample_values()).take(record)
