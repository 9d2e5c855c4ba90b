"""Artifacts: what happens to a page. One file each; `ARTIFACTS` lists them."""

from fastecg.artifact import Artifact
from fastecg.artifacts.bilevel import Bilevel
from fastecg.artifacts.bit_depth import BitDepth
from fastecg.artifacts.book_bend import BookBend
from fastecg.artifacts.contact_shadow import ContactShadow
from fastecg.artifacts.crease import Crease
from fastecg.artifacts.curl import Curl
from fastecg.artifacts.defocus import Defocus
from fastecg.artifacts.dent import Dent
from fastecg.artifacts.desk import Desk
from fastecg.artifacts.dog_ear import DogEar
from fastecg.artifacts.dust import Dust
from fastecg.artifacts.feed_jitter import FeedJitter
from fastecg.artifacts.folds import Folds
from fastecg.artifacts.glare import Glare
from fastecg.artifacts.jpeg import Jpeg
from fastecg.artifacts.lamp import Lamp
from fastecg.artifacts.motion_blur import MotionBlur
from fastecg.artifacts.scan_border import ScanBorder
from fastecg.artifacts.scan_streaks import ScanStreaks
from fastecg.artifacts.sensor_noise import SensorNoise
from fastecg.artifacts.shadow import Shadow
from fastecg.artifacts.sharpening import Sharpening
from fastecg.artifacts.tone_curve import ToneCurve
from fastecg.artifacts.vignette import Vignette
from fastecg.artifacts.wave import Wave
from fastecg.artifacts.white_balance import WhiteBalance
from fastecg.artifacts.wrinkle import Wrinkle

ARTIFACTS: tuple[type[Artifact], ...] = (
    # paper
    FeedJitter,
    Wrinkle,
    Folds,
    Crease,
    Dent,
    Wave,
    Curl,
    BookBend,
    DogEar,
    # light
    Desk,
    ContactShadow,
    Lamp,
    Vignette,
    Shadow,
    Glare,
    WhiteBalance,
    # camera
    SensorNoise,
    Defocus,
    MotionBlur,
    Sharpening,
    ToneCurve,
    Jpeg,
    # scanner
    ScanBorder,
    ScanStreaks,
    Dust,
    BitDepth,
    Bilevel,
)

__all__ = [
    "ARTIFACTS",
    "BookBend",
    "Crease",
    "Curl",
    "Dent",
    "DogEar",
    "FeedJitter",
    "Folds",
    "Wave",
    "Wrinkle",
]
