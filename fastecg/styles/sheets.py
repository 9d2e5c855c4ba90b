"""Looks of printed sheets as they come out of a printer or a scanner."""

from __future__ import annotations

from dataclasses import replace

from fastecg.styles.style import GridInk, Pen, Style

SCANBOLD = Style(
    name="scanbold",
    title="scan: strong pink grid, bold black traces, lead names in bold Times below the traces",
    paper=(253, 214, 226),
    margin=(253, 214, 226),
    grid=GridInk("line", (245, 164, 188), 0.16, (230, 98, 138), 0.28, uneven=0.26),
    ink=(12, 8, 10),
    pen_mm=0.42,
    text_ink=(20, 14, 18),
    face="serif",
    label_mm=4.2,
    label_bold=True,
    label_place="below",
    separator="tick",
    pulse_feet_mm=0.8,
    header="none",
    footer="none",
    paper_size="letter",
    layouts=(("3x4+1", 0.7), ("3x4", 0.3)),
    pen=Pen(thin=0.22, pale=0.14, wander=0.08, mottle=0.12),
)

SCANBOLD_GREEN = replace(
    SCANBOLD,
    name="scanbold_green",
    title="scan of green paper, bold black traces, small lead names below them",
    paper=(229, 245, 233),
    margin=(229, 245, 233),
    grid=GridInk("line", (168, 220, 184), 0.2, (122, 200, 148), 0.3, uneven=0.26),
    ink=(16, 18, 2),
    label_mm=3.3,
    separator="tick",
    pen=Pen(thin=0.36, pale=0.16, wander=0.09, mottle=0.12),
)

SCANBOLD_LILAC = replace(
    SCANBOLD,
    name="scanbold_lilac",
    title="scan: grey-violet grid, bold black traces, lead names in bold Times below the traces",
    paper=(252, 246, 250),
    margin=(252, 246, 250),
    grid=GridInk("line", (196, 182, 192), 0.17, (140, 120, 134), 0.26, uneven=0.24),
    label_bold=False,
    label_mm=3.9,
)

PHILIPS = Style(
    name="philips",
    title="salmon grid, pairs of ticks between the columns, lead names above, axes in the header, pulses at the right end",
    paper=(255, 248, 245),
    margin=(255, 248, 245),
    grid=GridInk("line", (248, 193, 181), 0.12, (230, 100, 82), 0.2, uneven=0.1),
    ink=(10, 10, 13),
    pen_mm=0.25,
    text_ink=(16, 16, 20),
    face="sans",
    label_mm=3.4,
    label_place="above",
    label_shift_mm=1.2,
    separator="tick_pair",
    pulse_side="right",
    pulse_feet_mm=0.8,
    header="philips",
    footer="philips",
    text_mm=2.9,
    paper_size="a4",
    layouts=(("3x4+1", 0.6), ("3x4+3", 0.15), ("6x2", 0.15), ("12x1", 0.1)),
    date_form="{month:02d}/{day:02d}/{year}",
)

SCHILLER = Style(
    name="schiller",
    title="orange grid, lead names left of the rows, table of measurements at the top",
    paper=(255, 250, 243),
    margin=(255, 255, 255),
    grid=GridInk("line", (250, 211, 182), 0.12, (228, 112, 44), 0.2, uneven=0.1),
    ink=(11, 11, 14),
    pen_mm=0.25,
    text_ink=(18, 18, 22),
    face="sans",
    label_mm=3.4,
    label_place="left",
    separator="none",
    pulse_feet_mm=0.8,
    pulse_gap_mm=0.6,
    header="schiller",
    footer="schiller",
    text_mm=2.8,
    paper_size="a4",
    grid_inset_mm=(0.0, 30.0, 0.0, 10.0),
    layouts=(("6x2", 0.55), ("6x2-cabrera", 0.15), ("6x2+1", 0.1), ("12x1", 0.15), ("3x4+1", 0.05)),
    date_form="{day:02d}.{month:02d}.{year}",
    clock_form="{hour:02d}:{minute:02d}",
)

PHOTOCOPY = Style(
    name="photocopy",
    title="grey copy of a ruled page",
    paper=(244, 244, 244),
    margin=(250, 250, 250),
    grid=GridInk("line", (206, 206, 206), 0.12, (164, 164, 164), 0.24),
    ink=(24, 24, 24),
    pen_mm=0.34,
    text_ink=(24, 24, 24),
    face="sans",
    label_mm=3.4,
    label_place="above",
    separator="tick",
    header="fragment",
    footer="philips",
    text_mm=2.9,
    paper_size="a4",
    layouts=(("3x4+1", 0.6), ("6x2", 0.2), ("3x4", 0.1), ("12x1", 0.1)),
    pen=Pen(thin=0.12, pale=0.12, wander=0.05, mottle=0.1),
)

STYLES = (SCANBOLD, SCANBOLD_GREEN, SCANBOLD_LILAC, PHILIPS, SCHILLER, PHOTOCOPY)
