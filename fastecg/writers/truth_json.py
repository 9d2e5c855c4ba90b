"""Write and read truth files: they have the keys of ecg-image-kit (``--store_config 2``), and everything else under the key "fastecg".

Points under the kit's keys are [row, column], as in its files. Under "fastecg", and everywhere else in the library, they are [x, y].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from fastecg.errors import ImageError
from fastecg.system.files import parse_json, read_file

if TYPE_CHECKING:
    from fastecg.page import Trace
    from fastecg.photo import Photo, PixelBox
    from fastecg.styles.style import Style

#: Version of the keys under "fastecg"; increased when a key changes its meaning, not for new keys.
SCHEMA = 1

_DECIMALS = 3  # Decimals of pixel positions.
# Distance of 5 mm lines of the grid in mm, and so of points under "grid". "x_grid" and "y_grid" are this distance in px at the nominal dpi.
_GRID_MM = 5.0


def truth_bytes(photo: Photo) -> bytes:
    """The truth of a picture as JSON.

    Points are sub-pixel positions in the final image, with pixel centres at integer coordinates; coordinates that are unknown, as in a gap
    of the record, are ``null``. Points outside the image keep their true coordinates.
    """
    content = _kit_keys(photo)
    content["leads"] = _lead_entries(photo)
    content["fastecg"] = _own_keys(photo)
    return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)


def read_truth(data: bytes, name: str = "truth") -> dict[str, Any]:
    """Parse what `truth_bytes` wrote. Raises `ImageError`, with `name` in its message, if fastecg did not write it."""
    try:
        content = parse_json(data)
    except ValueError as error:
        raise ImageError(f"{name}: not a truth file ({error}), expected the JSON that was written beside the image") from None
    if not isinstance(content, dict) or "leads" not in content or "fastecg" not in content:
        raise ImageError(f'{name}: no "leads" or no "fastecg" in it, expected the truth file that was written beside the image')
    return content


def load_truth(path: Path) -> dict[str, Any]:
    """Read and parse a truth file. Raises `ImageError` if it cannot be read or fastecg did not write it."""
    try:
        return read_truth(read_file(path), path.name)
    except OSError as error:
        raise ImageError(
            f"{path.name}: cannot be read ({error.strerror}), expected the truth file that was written beside the image"
        ) from None


@contextmanager
def reading_truth(name: str) -> Iterator[None]:
    """Turn the exceptions that using the content of a damaged truth file raises into an `ImageError` that names the file."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ImageError(f"{name}: damaged ({type(error).__name__}: {error}), expected the truth file as it was written") from None


def _kit_keys(photo: Photo) -> dict[str, Any]:
    """The keys of ecg-image-kit about the whole picture; its key "leads" is made by `_lead_entries`."""
    height, width = photo.image.shape[:2]
    page, style, dpi = photo.page, photo.style, photo.shot.dpi
    px_per_grid = round(_GRID_MM * dpi / 25.4, _DECIMALS)
    rhythm = [trace.lead for trace in page.traces if trace.rhythm]
    has_grid = style.grid.minor_mm > 0 or style.grid.major_mm > 0
    writing = [box for box in photo.truth.boxes if box.kind == "handwriting"]
    return {
        "sampling_frequency": _number(photo.record.fs),
        "width": width,
        "height": height,
        "resolution": _number(dpi),
        "pad_inches": 0,
        "x_grid": px_per_grid,
        "y_grid": px_per_grid,
        "dc_pulse": any(stroke.kind == "pulse" for stroke in page.strokes),
        "bw": _is_grey(style) or any(value["kind"] == "Bilevel" for value in _artifacts(photo)),
        "gridlines": has_grid,
        "printed_text": any(text.kind != "lead" for text in page.texts),
        "number_of_columns_in_image": 1 + max((trace.column for trace in page.traces), default=0),
        "full_mode_lead": rhythm[0] if rhythm else "None",
        "grid_line_color_major": style.grid.major_ink,
        "grid_line_color_minor": style.grid.minor_ink,
        "ecg_plot_color": style.ink,
        "handwritten_text": bool(writing),
        "num_words": sum(len(box.words.split()) for box in writing),
        "x_offset_for_handwritten_text": 0,
        "y_offset_for_handwritten_text": 0,
        **_kit_artifacts(_artifacts(photo)),
    }


def _kit_artifacts(artifacts: list[dict[str, Any]]) -> dict[str, Any]:
    """The keys of ecg-image-kit for what happened to the page; all details are in the shot under "fastecg".

    `crop` and `rotate` are 0: with other values a reader would move the points, which are already positions in the final picture.
    """
    kinds = {value["kind"] for value in artifacts}
    angles = [value["angle_deg"] for value in artifacts if value["kind"] == "Crease"]
    # A crease's angle is the direction across it: 0 for an upright crease, 90 for a level one.
    horizontal = sum(45 <= angle % 180 < 135 for angle in angles)
    return {
        "wrinkles": bool(kinds & {"Wrinkle", "Crease", "Folds", "Dent"}),
        "crease_angle": round(angles[0], _DECIMALS) if angles else 0,
        "number_of_creases_horizontally": horizontal,
        "number_of_creases_vertically": len(angles) - horizontal,
        "augment": bool(artifacts),
        "crop": 0,
        "temperature": next((round(value["kelvin"]) for value in artifacts if value["kind"] == "WhiteBalance"), 0),
        "rotate": 0,
        "noise": next((round(value["read_levels"] + value["shot_levels"]) for value in artifacts if value["kind"] == "SensorNoise"), 0),
    }


def _is_grey(style: Style) -> bool:
    """Whether paper, grid and pen have no colour."""
    return all(len(set(ink)) == 1 for ink in (style.paper, style.grid.minor_ink, style.grid.major_ink, style.ink))


def _artifacts(photo: Photo) -> list[dict[str, Any]]:
    """The artifacts of the picture in order, as the file's "shot" has them."""
    return [artifact.to_dict() for artifact in photo.shot.artifacts]


def _lead_entries(photo: Photo) -> list[dict[str, Any]]:
    """The value of the key "leads" of ecg-image-kit: an entry for every segment."""
    entries: list[dict[str, Any]] = [
        {
            "lead_name": trace.lead,
            "start_sample": trace.start,
            "end_sample": trace.stop,
            "plotted_pixels": _written(trace.points[:, ::-1]),
        }
        for trace in photo.truth.traces
    ]
    keys = {"lead": "lead_bounding_box", "lead_name": "text_bounding_box"}
    boxes = [box for box in photo.truth.boxes if box.kind in keys and box.trace >= 0]
    corners = _rounded(np.array([box.corners for box in boxes]))[..., ::-1].tolist()
    for box, points in zip(boxes, corners, strict=True):
        entries[box.trace][keys[box.kind]] = {str(corner): point for corner, point in enumerate(points)}
    return entries


def _own_keys(photo: Photo) -> dict[str, Any]:
    """The value of the key "fastecg": all that ecg-image-kit has no keys for. Points are [x, y]."""
    from fastecg import __version__

    shot, page, truth = photo.shot, photo.page, photo.truth
    page_mm, px = truth.lattice()
    return {
        "version": __version__,
        "schema": SCHEMA,
        "record": photo.record.name,
        "source": photo.record.source,
        "page": shot.page,
        "variant": shot.variant,
        "seed": shot.seed,
        "recipe": shot.recipe,
        "layout": page.layout,
        "style": photo.style.name,
        "speed_mm_s": page.speed_mm_s,
        "gain_mm_mv": page.gain_mm_mv,
        "px_per_mm": round(truth.px_per_mm(), 6),
        "shot": shot.to_dict(),
        "visible": [trace.visible for trace in truth.traces],
        "traces": [_trace(trace.trace) for trace in truth.traces],
        "boxes": _boxes(truth.boxes),
        "grid": {"step_mm": _GRID_MM, "page_mm": _written(page_mm.reshape(-1, 2)), "px": _written(px.reshape(-1, 2))},
        "homography": truth.homography(),
        "other_leads": truth.other_leads,
        "notes": page.notes,
    }


def _boxes(boxes: Sequence[PixelBox]) -> list[dict[str, Any]]:
    """The value of the key "boxes"."""
    corners = _rounded(np.array([box.corners for box in boxes])).tolist()
    return [
        {"kind": box.kind, "words": box.words, "corners": points, "trace": box.trace} for box, points in zip(boxes, corners, strict=True)
    ]


def _trace(trace: Trace) -> dict[str, Any]:
    """How a segment's millivolts became millimetres: ``y_mm = baseline_mm - gain_mm_mv * (mV - offset_mv)``."""
    values = {name: getattr(trace, name) for name in ("baseline_mm", "gain_mm_mv", "offset_mv")}
    return {name: round(value, 6) for name, value in values.items()} | {"row": trace.row, "column": trace.column, "rhythm": trace.rhythm}


def _written(points: np.ndarray) -> orjson.Fragment | np.ndarray:
    """Points (n, 2), rounded: as JSON made by a kernel, which is faster, or as numbers if one of them is too large for the kernel."""
    from fastecg.kernels.decimals import points_json

    text = points_json(points)
    return _rounded(points) if text is None else orjson.Fragment(text)


def _rounded(points: np.ndarray) -> np.ndarray:
    return np.round(np.asarray(points, dtype=np.float64), _DECIMALS)


def _number(value: float) -> int | float:
    """A number, as an integer if it is whole: ecg-image-kit writes frequencies and resolutions without ``.0``."""
    return int(value) if float(value).is_integer() else float(value)
