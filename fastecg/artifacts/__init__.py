"""Artifacts: what happens to a page or its picture. Each has a file of its own and one line here; `ARTIFACTS` keeps this order.

Numbers in their code that have no other origin are chosen by eye.
"""

# ruff: noqa: I001
from fastecg.artifact import Artifact

# print
from fastecg.artifacts.thermal_fade import ThermalFade as ThermalFade
from fastecg.artifacts.print_head import PrintHead as PrintHead
from fastecg.artifacts.laser_print import LaserPrint as LaserPrint
from fastecg.artifacts.dot_matrix import DotMatrix as DotMatrix
from fastecg.artifacts.stylus import Stylus as Stylus

# age, stains
from fastecg.artifacts.bleed_through import BleedThrough as BleedThrough
from fastecg.artifacts.yellowing import Yellowing as Yellowing
from fastecg.artifacts.scratches import Scratches as Scratches
from fastecg.artifacts.ring_stain import RingStain as RingStain
from fastecg.artifacts.water_stain import WaterStain as WaterStain
from fastecg.artifacts.mould import Mould as Mould
from fastecg.artifacts.finger_print import FingerPrint as FingerPrint

# damage, and what holds the page
from fastecg.artifacts.tape import Tape as Tape
from fastecg.artifacts.tear import Tear as Tear
from fastecg.artifacts.missing_corner import MissingCorner as MissingCorner
from fastecg.artifacts.burn import Burn as Burn
from fastecg.artifacts.punch_holes import PunchHoles as PunchHoles
from fastecg.artifacts.perforation import Perforation as Perforation
from fastecg.artifacts.staple import Staple as Staple
from fastecg.artifacts.paper_clip import PaperClip as PaperClip
from fastecg.artifacts.finger import Finger as Finger

# paper
from fastecg.artifacts.feed_jitter import FeedJitter as FeedJitter
from fastecg.artifacts.wrinkle import Wrinkle as Wrinkle
from fastecg.artifacts.folds import Folds as Folds
from fastecg.artifacts.crease import Crease as Crease
from fastecg.artifacts.crease_lines import CreaseLines as CreaseLines
from fastecg.artifacts.dent import Dent as Dent
from fastecg.artifacts.wave import Wave as Wave
from fastecg.artifacts.curl import Curl as Curl
from fastecg.artifacts.book_bend import BookBend as BookBend
from fastecg.artifacts.dog_ear import DogEar as DogEar

# pen and paste
from fastecg.artifacts.handwriting import Handwriting as Handwriting
from fastecg.artifacts.pen_marks import PenMarks as PenMarks
from fastecg.artifacts.stamp import Stamp as Stamp
from fastecg.artifacts.sticker import Sticker as Sticker
from fastecg.artifacts.white_out import WhiteOut as WhiteOut
from fastecg.artifacts.redaction import Redaction as Redaction

# light
from fastecg.artifacts.desk import Desk as Desk
from fastecg.artifacts.viewer import Viewer as Viewer
from fastecg.artifacts.contact_shadow import ContactShadow as ContactShadow
from fastecg.artifacts.lamp import Lamp as Lamp
from fastecg.artifacts.vignette import Vignette as Vignette
from fastecg.artifacts.shadow import Shadow as Shadow
from fastecg.artifacts.glare import Glare as Glare
from fastecg.artifacts.white_balance import WhiteBalance as WhiteBalance
from fastecg.artifacts.display import Display as Display

# camera
from fastecg.artifacts.depth_of_field import DepthOfField as DepthOfField
from fastecg.artifacts.sensor_noise import SensorNoise as SensorNoise
from fastecg.artifacts.defocus import Defocus as Defocus
from fastecg.artifacts.motion_blur import MotionBlur as MotionBlur
from fastecg.artifacts.sharpening import Sharpening as Sharpening
from fastecg.artifacts.image_signal import ImageSignal as ImageSignal
from fastecg.artifacts.tone_curve import ToneCurve as ToneCurve
from fastecg.artifacts.auto_levels import AutoLevels as AutoLevels
from fastecg.artifacts.jpeg import Jpeg as Jpeg

# scanner
from fastecg.artifacts.scan_head import ScanHead as ScanHead
from fastecg.artifacts.scan_border import ScanBorder as ScanBorder
from fastecg.artifacts.scan_streaks import ScanStreaks as ScanStreaks
from fastecg.artifacts.dust import Dust as Dust
from fastecg.artifacts.bit_depth import BitDepth as BitDepth
from fastecg.artifacts.bilevel import Bilevel as Bilevel

# copies
from fastecg.artifacts.photocopy import Photocopy as Photocopy
from fastecg.artifacts.fax import Fax as Fax
from fastecg.artifacts.dither import Dither as Dither

_KINDS = [item for item in globals().values() if isinstance(item, type) and issubclass(item, Artifact)]

#: Every kind of artifact.
ARTIFACTS = tuple(kind for kind in _KINDS if kind is not Artifact)
