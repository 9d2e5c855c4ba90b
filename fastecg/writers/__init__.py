"""Write files: pictures, their truth, and WFDB records. A file appears whole or not at all."""

from __future__ import annotations

from fastecg.writers.image import FORMATS, PART, image_bytes, whole_name, write_atomic, write_image
from fastecg.writers.photo_files import TRUTHS, save_photo
from fastecg.writers.png import png_bytes
from fastecg.writers.truth_json import truth_bytes
from fastecg.writers.wfdb import write_record

__all__ = [
    "FORMATS",
    "PART",
    "TRUTHS",
    "image_bytes",
    "png_bytes",
    "save_photo",
    "truth_bytes",
    "whole_name",
    "write_atomic",
    "write_image",
    "write_record",
]
