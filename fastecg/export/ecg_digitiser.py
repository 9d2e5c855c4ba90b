"""Write input for ECG-Digitiser's preparation scripts: ``imagesTr/<case>_0000.png`` and ``.json``; those for validation in ``imagesTv``.

The scripts make masks from the JSON files. They truncate every point of ``plotted_pixels`` to integers, so points are written as counted
from the corner of the first pixel. Points outside the picture are left out, because negative ones would be drawn at the opposite side. Of
the lead under ``full_mode_lead``, the scripts keep the longest segments, and they fail if there is no segment of that lead. In this case,
II is written under the key instead, or without II the first lead that is drawn once. Leads for which the scripts have no class are left
out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson

from fastecg.export.nnunet import put_png
from fastecg.export.rendered import Rendered
from fastecg.export.things import in_picture
from fastecg.record import LEADS
from fastecg.writers.image import write_atomic
from fastecg.writers.truth_json import reading_truth

_FOLDERS = {"train": "imagesTr", "val": "imagesTv"}


def write_ecg_digitiser(pictures: list[Rendered], dest: Path, *, val: float) -> None:
    """Write pictures for ECG-Digitiser."""
    for picture in pictures:
        name = f"{picture.key}_0000"
        folder = dest / _FOLDERS[picture.split(val)]
        put_png(picture, folder / f"{name}.png")
        with reading_truth(picture.image.with_suffix(".json").name):
            described = orjson.dumps(_described(picture.truth(), picture.size), option=orjson.OPT_SERIALIZE_NUMPY)
        write_atomic(folder / f"{name}.json", described)


def _described(truth: dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """The truth of a picture of `size` (height, width) with only the keys of ecg-image-kit, limited to what the scripts can draw."""
    leads = []
    for entry in truth["leads"]:
        points = np.array(entry["plotted_pixels"], dtype=np.float64).reshape(-1, 2)
        inside = points[in_picture(points[:, ::-1], size)]
        if len(inside) and entry["lead_name"] in LEADS:
            leads.append({**entry, "plotted_pixels": np.ascontiguousarray((inside + 0.5).round(3))})
    names = [entry["lead_name"] for entry in leads]
    strip = truth["full_mode_lead"]
    if strip not in names:
        strip = "II" if "II" in names else next((name for name in names if names.count(name) == 1), "II")
    return {**{key: value for key, value in truth.items() if key != "fastecg"}, "full_mode_lead": strip, "leads": leads}
