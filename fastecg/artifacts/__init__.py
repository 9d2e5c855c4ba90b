"""Artifacts: what happens to a page. One file each; `ARTIFACTS` lists them."""

from fastecg.artifact import Artifact
from fastecg.artifacts.bilevel import Bilevel
from fastecg.artifacts.bit_depth import BitDepth
from fastecg.artifacts.contact_shadow import ContactShadow
from fastecg.artifacts.defocus import Defocus
from fastecg.artifacts.desk import Desk
from fastecg.artifacts.dust import Dust
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
from fastecg.artifacts.white_balance import WhiteBalance

ARTIFACTS: tuple[type[Artifact], ...] = (
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

__all__ = ["ARTIFACTS"]
