"""Artifacts: what happens to a page. One file each; `ARTIFACTS` lists them."""

from fastecg.artifact import Artifact
from fastecg.artifacts.auto_levels import AutoLevels
from fastecg.artifacts.bilevel import Bilevel
from fastecg.artifacts.bit_depth import BitDepth
from fastecg.artifacts.bleed_through import BleedThrough
from fastecg.artifacts.book_bend import BookBend
from fastecg.artifacts.burn import Burn
from fastecg.artifacts.contact_shadow import ContactShadow
from fastecg.artifacts.crease import Crease
from fastecg.artifacts.crease_lines import CreaseLines
from fastecg.artifacts.curl import Curl
from fastecg.artifacts.defocus import Defocus
from fastecg.artifacts.dent import Dent
from fastecg.artifacts.desk import Desk
from fastecg.artifacts.display import Display
from fastecg.artifacts.dither import Dither
from fastecg.artifacts.dog_ear import DogEar
from fastecg.artifacts.dot_matrix import DotMatrix
from fastecg.artifacts.dust import Dust
from fastecg.artifacts.fax import Fax
from fastecg.artifacts.feed_jitter import FeedJitter
from fastecg.artifacts.finger import Finger
from fastecg.artifacts.finger_print import FingerPrint
from fastecg.artifacts.folds import Folds
from fastecg.artifacts.glare import Glare
from fastecg.artifacts.handwriting import Handwriting
from fastecg.artifacts.image_signal import ImageSignal
from fastecg.artifacts.jpeg import Jpeg
from fastecg.artifacts.lamp import Lamp
from fastecg.artifacts.laser_print import LaserPrint
from fastecg.artifacts.missing_corner import MissingCorner
from fastecg.artifacts.motion_blur import MotionBlur
from fastecg.artifacts.mould import Mould
from fastecg.artifacts.paper_clip import PaperClip
from fastecg.artifacts.pen_marks import PenMarks
from fastecg.artifacts.perforation import Perforation
from fastecg.artifacts.photocopy import Photocopy
from fastecg.artifacts.print_head import PrintHead
from fastecg.artifacts.punch_holes import PunchHoles
from fastecg.artifacts.redaction import Redaction
from fastecg.artifacts.ring_stain import RingStain
from fastecg.artifacts.scan_border import ScanBorder
from fastecg.artifacts.scan_head import ScanHead
from fastecg.artifacts.scan_streaks import ScanStreaks
from fastecg.artifacts.scratches import Scratches
from fastecg.artifacts.sensor_noise import SensorNoise
from fastecg.artifacts.shadow import Shadow
from fastecg.artifacts.sharpening import Sharpening
from fastecg.artifacts.stamp import Stamp
from fastecg.artifacts.staple import Staple
from fastecg.artifacts.sticker import Sticker
from fastecg.artifacts.stylus import Stylus
from fastecg.artifacts.tape import Tape
from fastecg.artifacts.tear import Tear
from fastecg.artifacts.thermal_fade import ThermalFade
from fastecg.artifacts.tone_curve import ToneCurve
from fastecg.artifacts.viewer import Viewer
from fastecg.artifacts.vignette import Vignette
from fastecg.artifacts.water_stain import WaterStain
from fastecg.artifacts.wave import Wave
from fastecg.artifacts.white_balance import WhiteBalance
from fastecg.artifacts.white_out import WhiteOut
from fastecg.artifacts.wrinkle import Wrinkle
from fastecg.artifacts.yellowing import Yellowing

ARTIFACTS: tuple[type[Artifact], ...] = (
    # print
    ThermalFade,
    PrintHead,
    LaserPrint,
    DotMatrix,
    Stylus,
    # age, stains
    BleedThrough,
    Yellowing,
    Scratches,
    RingStain,
    WaterStain,
    Mould,
    FingerPrint,
    # damage, and what holds the page
    Tape,
    Tear,
    MissingCorner,
    Burn,
    PunchHoles,
    Perforation,
    Staple,
    PaperClip,
    Finger,
    # paper
    FeedJitter,
    Wrinkle,
    Folds,
    Crease,
    CreaseLines,
    Dent,
    Wave,
    Curl,
    BookBend,
    DogEar,
    # pen and paste
    Handwriting,
    PenMarks,
    Stamp,
    Sticker,
    WhiteOut,
    Redaction,
    # light
    Desk,
    Viewer,
    ContactShadow,
    Lamp,
    Vignette,
    Shadow,
    Glare,
    WhiteBalance,
    Display,
    # camera
    SensorNoise,
    Defocus,
    MotionBlur,
    Sharpening,
    ImageSignal,
    ToneCurve,
    AutoLevels,
    Jpeg,
    # scanner
    ScanHead,
    ScanBorder,
    ScanStreaks,
    Dust,
    BitDepth,
    Bilevel,
    # copies
    Photocopy,
    Fax,
    Dither,
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
