"""Looks of pages that were never paper: reports saved as PDF, web viewers, and the pages that ECG-Image-Kit draws."""

from __future__ import annotations

from dataclasses import replace

from fastecg.styles.style import GridInk, Pen, Style

# Layouts of a "muse" report, and the share of reports that have each.
_SHARES = (("3x4+1", 0.62), ("3x4", 0.18), ("3x4+3", 0.12), ("12x1", 0.05), ("6x2", 0.03))

MUSE = Style(
    name="muse",
    title="report with a white header, pink grid, lead names in Times below the traces",
    paper=(255, 251, 253),
    margin=(255, 255, 255),
    grid=GridInk("line", (236, 195, 205), 0.13, (202, 130, 148), 0.18),
    ink=(8, 8, 10),
    pen_mm=0.22,
    text_ink=(5, 5, 5),
    face="serif",
    label_mm=3.1,
    label_place="below",
    label_shift_mm=0.3,
    pulse_feet_mm=0.9,
    header="muse",
    footer="muse",
    text_mm=3.0,
    paper_size="letter",
    grid_inset_mm=(4.7, 50.0, 4.7, 14.0),
    layouts=_SHARES,
)

MUSE_GREY = Style(
    name="muse_grey",
    title="report in blue-grey, colons in the top margin between the columns",
    paper=(255, 255, 255),
    margin=(255, 255, 255),
    grid=GridInk("line", (243, 246, 252), 0.1, (158, 170, 192), 0.17, major_bead_mm=0.5),
    ink=(34, 36, 42),
    pen_mm=0.2,
    text_ink=(40, 42, 48),
    face="serif",
    label_mm=3.1,
    label_place="below",
    label_shift_mm=0.3,
    separator="margin_colon",
    pulse_feet_mm=0.9,
    header="muse",
    footer="muse",
    text_mm=3.0,
    paper_size="letter",
    grid_inset_mm=(4.7, 50.0, 4.7, 14.0),
    layouts=(("3x4+3", 0.45), ("3x4+1", 0.45), ("12x1", 0.1)),
)

MORTARA = Style(
    name="mortara",
    title="red grid in three weights, thin grey traces, double dashes between the columns, pulses at the right end",
    paper=(255, 248, 247),
    margin=(255, 255, 255),
    grid=GridInk("line", (253, 212, 207), 0.14, (251, 156, 144), 0.26, (249, 132, 118), 0.45, heavy_rows=False),
    ink=(104, 86, 86),
    pen_mm=0.3,
    text_ink=(48, 43, 46),
    face="sans",
    label_mm=3.9,
    label_place="above",
    label_shift_mm=2.2,
    separator="double_dash",
    pulse_side="right",
    pulse_feet_mm=0.7,
    header="mortara",
    footer="mortara",
    text_mm=3.1,
    paper_size="letter",
    grid_inset_mm=(5.0, 38.0, 4.0, 12.0),
    layouts=(("3x4+1", 0.75), ("3x4+3", 0.1), ("6x2", 0.1), ("12x1", 0.05)),
    pen=Pen(thin=0.12, pale=0.18, wander=0.03, mottle=0.06),
    date_form="{month:02d}/{day:02d}/{year}",
)

BAR = Style(
    name="bar",
    title="web viewer: magenta grid on pink, solid bars between the columns, large lead names below the traces",
    paper=(255, 238, 247),
    margin=(255, 238, 247),
    grid=GridInk("line", (255, 198, 228), 0.14, (241, 106, 164), 0.24),
    ink=(22, 18, 24),
    pen_mm=0.32,
    text_ink=(30, 24, 34),
    face="sans",
    label_mm=4.1,
    label_place="below",
    separator="bar",
    pulse_shape="right_half",
    header="none",
    footer="none",
    paper_size="a4",
    layouts=(("3x4+1", 0.6), ("3x4", 0.4)),
)

PDF_RED = replace(
    MUSE,
    name="pdf_red",
    title="screen print of a report: plain red grid, traces joined by steps between the columns, half pulses",
    paper=(255, 255, 255),
    grid=GridInk("line", (255, 182, 182), 0.14, (255, 126, 126), 0.16),
    ink=(18, 17, 18),
    separator="step",
    pulse_shape="right_half",
    header="none",
    footer="none",
    grid_inset_mm=(0.0, 0.0, 0.0, 0.0),
    margin=(255, 255, 255),
    layouts=(("3x4+3", 0.5), ("3x4+1", 0.4), ("3x4+2", 0.1)),
)

KIT = Style(
    name="kit",
    title="as ECG-Image-Kit draws pages: red 5 mm lines, pale 1 mm lines, an empty upper third, short fat bars, a frame",
    paper=(255, 255, 255),
    margin=(255, 255, 255),
    grid=GridInk("line", (254, 221, 217), 0.177, (255, 0, 0), 0.177, rows_last=True),
    ink=(48, 48, 48),
    pen_mm=0.38,
    text_ink=(0, 0, 0),
    face="dejavu",
    label_mm=4.0,
    label_place="far_below",
    label_shift_mm=0.2,
    separator="short_bar",
    pulse_feet_mm=0.0,
    header="kit",
    footer="kit",
    text_mm=4.0,
    paper_size="letter",
    grid_inset_mm=(0.0, -4.1, 0.0, 0.0),  # the grid begins above the page, so its lines lie where ECG-Image-Kit draws them
    rows_mm=(89.9, 36.05, 3.0),
    frame_mm=0.127,
    layouts=(("3x4+1", 1.0),),
    pen=Pen(0.0, 0.0, 0.0, 0.0),
    by_name_only=True,
    date_form="{day:02d}.{month:02d}.{year}",
)

STYLES = (MUSE, MUSE_GREY, MORTARA, BAR, PDF_RED, KIT)
