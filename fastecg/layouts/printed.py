"""The words of headers and footers, by style. All values in them come from `ReportFields` and `MachineSettings`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache

from fastecg.layouts.paper import MachineSettings, PageFrame
from fastecg.layouts.report_fields import ReportFields
from fastecg.page import Text
from fastecg.printing.text import advance_mm, measure, printable
from fastecg.styles.style import Style

#: Left, top, right, bottom of a box, mm.
Edges = tuple[float, float, float, float]
#: A function that gives the words of a header or a footer.
Words = Callable[[ReportFields, MachineSettings, Style, PageFrame], Iterable[Text]]

#: Kind of the texts about the patient and the recording before `printed_words` has decided which of them are printed.
ADMIN = "administration"
#: Kind of the texts about the patient and the recording that are printed.
IDENTITY = "identity"

_HEADER_SHARE = 0.33  # A header that takes more than this share of the page's height is not printed.
_GAP_MM = 0.3  # Minimum distance between the ink of two texts.


def printed_words(
    facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame, notes: list[str]
) -> tuple[tuple[Text, Edges], ...]:
    """The texts of header and footer of a page, each with the box round its ink.

    Texts that would leave the page or overlap others are left out, and so is a header that is too high for the paper. Notes say so.
    """
    words, own_notes = _words_and_notes(facts, setup, style, frame)
    notes += own_notes
    return words


@lru_cache(maxsize=1)  # Where crops have to leave the rows in the picture, a page's words are needed before the page is placed.
def _words_and_notes(
    facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame
) -> tuple[tuple[tuple[Text, Edges], ...], tuple[str, ...]]:
    """What `printed_words` returns, and the notes that it adds."""
    notes: list[str] = []
    header = [
        (text, measure(text)) for text in _printable(_with_administration(HEADERS[style.header](facts, setup, style, frame), facts), notes)
    ]
    footer = [(text, measure(text)) for text in _printable(FOOTERS[style.footer](facts, setup, style, frame), notes)]
    width, height = frame.size_mm
    if header and max(box[3] for _, box in header) > _HEADER_SHARE * height:
        notes.append(f"the paper is too low for a header ({height:g} mm)")
        header = []
    kept: list[tuple[Text, Edges]] = []
    for text, box in header + footer:
        x0, y0, x1, y1 = box
        if x1 <= x0:
            continue
        inside = x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height
        if inside and not any(_touch(box, other) for _, other in kept):
            kept.append((text, box))
        else:
            notes.append(f"no room to print {text.words!r}")
    if facts.header_text:
        kept += _user_lines(facts.header_text, style, frame, kept, notes)
    return tuple(kept), tuple(notes)


def _with_administration(texts: Iterable[Text], facts: ReportFields) -> Iterable[Text]:
    """The texts, with as much of the administrative data as `facts.shows` says.

    With "labels", only words before a colon are kept, and only if they consist of letters; the values after the colon are left out.
    """
    for text in texts:
        if text.kind != ADMIN:
            yield text
        elif facts.shows == "all" or (facts.shows == "labels" and ":" in text.words):
            words = text.words if facts.shows == "all" else text.words.split(":")[0] + ":"
            if facts.shows == "all" or words[:-1].replace(". ", "").replace(" ", "").isalpha():
                yield replace(text, kind=IDENTITY, words=words)


def _printable(texts: Iterable[Text], notes: list[str]) -> Iterable[Text]:
    """The texts without characters that no typeface has, which are noted."""
    return (text if text.words.isascii() else printable(text, notes) for text in texts)


def _user_lines(
    lines: tuple[str, ...], style: Style, frame: PageFrame, taken: list[tuple[Text, Edges]], notes: list[str]
) -> list[tuple[Text, Edges]]:
    """The user's own lines as one block in the first free place; empty if none is free.

    Places are tried from the top down, and at each height from right to left.
    """
    width, height = frame.size_mm
    pitch = 1.35 * style.text_mm
    lines = tuple(words for line in lines if (words := printable(_at(line, 0.0, 0.0, style), notes).words).strip())
    if not lines:
        return []
    for top in range(2, int(_HEADER_SHARE * height)):
        for share in (0.64, 0.45, 0.25, 0.03):
            texts = [_at(line, share * width, top + pitch * (k + 1), style) for k, line in enumerate(lines)]
            block = [(text, measure(text)) for text in texts]
            inside = all(box[2] <= width - 2 for _, box in block) and top + pitch * len(lines) < _HEADER_SHARE * height
            if inside and not any(_touch(box, other) for _, box in block for _, other in taken):
                return block
    notes.append("no room to print the header text")
    return []


def _touch(a: Edges, b: Edges) -> bool:
    """Whether two boxes overlap, or are side by side with less than `_GAP_MM` between them."""
    return a[1] < b[3] and b[1] < a[3] and a[0] < b[2] + _GAP_MM and b[0] < a[2] + _GAP_MM


def _nothing(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    """No header or footer."""
    return ()


def _at(words: str, x: float, y: float, style: Style, kind: str = "header", bold: bool = False) -> Text:
    """A text in the style's size and typeface, whose baseline begins at (x, y) mm."""
    return Text(kind, words, x, y, style.text_mm, style.face, bold, dots_per_mm=style.dots_per_mm, grey=style.grey)


def _ending_at(words: str, x: float, y: float, style: Style, kind: str = "header", bold: bool = False) -> Text:
    """A text as from `_at`, whose baseline ends at (x, y) mm."""
    text = _at(words, x, y, style, kind, bold)
    return replace(text, x_mm=x - advance_mm(text))


def _table(rows: Iterable[tuple[str, ...]], stops_mm: tuple[float, ...], y: float, style: Style, pitch: float) -> Iterable[Text]:
    """Rows of words from `y` mm down, `pitch` mm apart. The first column begins at the first of `stops_mm`, each other ends at its stop."""
    for k, row in enumerate(rows):
        yield _at(row[0], stops_mm[0], y + k * pitch, style)
        for words, x in zip(row[1:], stops_mm[1:], strict=False):
            yield _ending_at(words, x, y + k * pitch, style)


def _list(lines: Iterable[str], x: float, y: float, style: Style, pitch: float, kind: str = "statement") -> Iterable[Text]:
    """Lines of words from (x, y) mm down, `pitch` mm apart."""
    for k, words in enumerate(lines):
        yield _at(words, x, y + k * pitch, style, kind)


def _speed(setup: MachineSettings, unit: str = "mm/s") -> str:
    return f"{setup.speed_mm_s:g}{unit}"


def _gain(setup: MachineSettings, unit: str = "mm/mV") -> str:
    """The gain, or both gains if the chest leads have another one."""
    chest = setup.chest_gain_mm_mv
    return f"{setup.gain_mm_mv:g}{unit}" if chest in (None, setup.gain_mm_mv) else f"{setup.gain_mm_mv:g}/{chest:g}{unit}"


def _if_p(facts: ReportFields, number: int) -> str:
    """A number about P waves as text, or "*" if there are no P waves."""
    return str(number) if facts.pr_ms else "*"


def _p_duration_ms(facts: ReportFields) -> int:
    """A made-up duration of the P wave, ms: 0.62 of the PR interval, and at most 124, about the longest of normal P waves."""
    return min(round(0.62 * facts.pr_ms), 124)


def _first_line_y(style: Style) -> float:
    """The y of the baseline of the first line on the page, mm."""
    return max(4.0, 1.4 * style.text_mm)


# ---- headers, each as the machine prints it that the header is named after --------------------------------------------
# Plain numbers are mm on the page. Factors of `pitch` count lines, whose distance in mm is a multiple of the height of the type.


def _muse_header(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    left = frame.grid_mm[0]
    pitch = 1.07 * style.text_mm
    # Distance from the table's first line down to the grid, in lines. Without administrative data, no room is kept for its lines.
    above = 5.2 if facts.shows == "nothing" else 9.0
    y = max(style.grid_inset_mm[1] - above * pitch, _first_line_y(style) + 2 * pitch)
    yield _at(f"ID:{facts.number}", left + 4, y - 1.6 * pitch, style, ADMIN)
    yield _at(f"{facts.date}  {facts.time}", left + 62, y - 1.6 * pitch, style, ADMIN)
    yield from _table(
        (
            ("Vent. rate", str(facts.rate), "BPM"),
            ("PR interval", _if_p(facts, facts.pr_ms), "ms"),
            ("QRS duration", str(facts.qrs_ms), "ms"),
            ("QT/QTc", f"{facts.qt_ms}/{facts.qtc_ms}", "ms"),
            ("P-R-T axes", f"{_if_p(facts, facts.p_axis)}  {facts.qrs_axis}", str(facts.t_axis)),
        ),
        (left + 62, left + 107, left + 117),
        y,
        style,
        pitch,
    )
    yield from _list(facts.statements, left + 127, y, style, pitch)
    yield from _list((f"{facts.age} yr", {"M": "Male", "F": "Female"}[facts.sex]), left + 4, y, style, pitch, ADMIN)
    last = style.grid_inset_mm[1] - 1.6 * pitch
    for words, x in (("Technician:", left + 4), ("Test ind:", left + 40), ("Referred by:", left + 90), ("Confirmed By:", left + 165)):
        yield _at(words, x, last, style, ADMIN)


def _mortara_header(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    left, _, right, _ = frame.grid_mm
    pitch = 1.35 * style.text_mm
    y = _first_line_y(style) + 1.0
    yield _at(f"ID: {facts.number}", left, y, style, ADMIN)
    yield _at(f"{facts.date} {facts.time}", left + 55, y, style, ADMIN)
    yield from _table(
        (
            ("Vent rate", f"{facts.rate}", "BPM"),
            ("PR int", _if_p(facts, facts.pr_ms), "ms"),
            ("QRS dur", f"{facts.qrs_ms}", "ms"),
            ("QT/QTc", f"{facts.qt_ms}/{facts.qtc_ms}", "ms"),
            ("P-R-T axes", f"{_if_p(facts, facts.p_axis)} {facts.qrs_axis} {facts.t_axis}", ""),
        ),
        (left, left + 40, left + 50),
        y + 1.6 * pitch,
        style,
        pitch,
    )
    yield from _list((line.upper() for line in facts.statements), left + 70, y + 1.6 * pitch, style, pitch)
    yield _ending_at("Unconfirmed Diagnosis", right, style.grid_inset_mm[1] - 1.6, style, bold=True)


def _confirmed_header(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    pitch = 1.3 * style.text_mm
    y, x = _first_line_y(style) + 2.0, frame.start_x_mm
    yield from _list((f"ID: {facts.number}", f"{facts.sex}  {facts.age} years"), x, y, style, pitch, ADMIN)
    yield from _table(
        (
            ("HR", f"{facts.rate}", "bpm"),
            ("P/PR", f"{_if_p(facts, _p_duration_ms(facts))}/{_if_p(facts, facts.pr_ms)}", "ms"),
            ("QRS", f"{facts.qrs_ms}", "ms"),
            ("QT/QTc", f"{facts.qt_ms}/{facts.qtc_ms}", "ms"),
            ("P/QRS/T", f"{_if_p(facts, facts.p_axis)}/{facts.qrs_axis}/{facts.t_axis}", "deg"),
        ),
        (x + 48, x + 84, x + 93),
        y,
        style,
        pitch,
    )
    yield from _list(facts.statements, x + 112, y, style, pitch)
    yield _at("Report Confirmed by:", x + 112, y + 5.4 * pitch, style)
    yield _at(f"{facts.date} {facts.time}", x, y + 5.4 * pitch, style, ADMIN)


def _fragment_header(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    x, y, pitch = frame.start_x_mm, _first_line_y(style) + 1.0, 1.3 * style.text_mm
    for k, (words, number) in enumerate(
        (("PR", _if_p(facts, facts.pr_ms)), ("QRSD", facts.qrs_ms), ("QT", facts.qt_ms), ("QTC", facts.qtc_ms))
    ):
        yield _at(words, x, y + k * pitch, style)
        yield _ending_at(str(number), x + 26, y + k * pitch, style)
    yield from _list(
        (f"RATE {facts.rate}", "--AXIS--", f"P  {_if_p(facts, facts.p_axis)}", f"QRS  {facts.qrs_axis}", f"T  {facts.t_axis}"),
        x + 36,
        y,
        style,
        pitch,
        "header",
    )
    yield from _list((f". {line}" for line in facts.statements), x + 78, y, style, pitch)


def _philips_header(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    x, y, pitch = frame.start_x_mm, _first_line_y(style) + 1.0, 1.3 * style.text_mm
    yield _at(f"{facts.number}", x, y, style, ADMIN)
    yield _at(f"{facts.date}  {facts.time}", x + 70, y, style, ADMIN)
    yield _at(f"{facts.age} Years   {facts.sex}", x + 140, y, style, ADMIN)
    y += 1.6 * pitch
    rows = (("Rate", facts.rate), ("PR", _if_p(facts, facts.pr_ms)), ("QRSD", facts.qrs_ms), ("QT", facts.qt_ms), ("QTc", facts.qtc_ms))
    yield from _table(((name, str(number)) for name, number in rows), (x, x + 22), y, style, pitch)
    yield _at("--AXIS--", x, y + 5.4 * pitch, style)
    axes = (("P", _if_p(facts, facts.p_axis)), ("QRS", facts.qrs_axis), ("T", facts.t_axis))
    yield from _table(((name, str(number)) for name, number in axes), (x, x + 22), y + 6.4 * pitch, style, pitch)
    dots = ". . . . . . . . . . . . . ."
    yield from _list(
        (f"{line} {dots}" if k < len(facts.statements) - 1 else f"- {line.upper()} -" for k, line in enumerate(facts.statements)),
        x + 48,
        y,
        style,
        pitch,
    )
    yield _ending_at("Unconfirmed Diagnosis", frame.end_x_mm, y + 8.4 * pitch, style)


def _schiller_header(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    x, y, pitch = frame.start_x_mm, _first_line_y(style) + 1.0, 1.3 * style.text_mm
    yield from _list(
        (f"Pat. ID:  {facts.number}", f"{facts.age} years / {facts.sex}", f"{facts.date}  {facts.time}"), x, y, style, pitch, ADMIN
    )
    intervals = (
        ("HR", facts.rate, "/min"),
        ("P", _if_p(facts, _p_duration_ms(facts)), "ms"),
        ("PQ", _if_p(facts, facts.pr_ms), "ms"),
        ("QRS", facts.qrs_ms, "ms"),
        ("QT", facts.qt_ms, "ms"),
        ("QTc", facts.qtc_ms, "ms"),
    )
    axes = (("P", _if_p(facts, facts.p_axis)), ("QRS", facts.qrs_axis), ("T", facts.t_axis))
    yield from _table(((name, str(number), unit) for name, number, unit in intervals), (x + 68, x + 88, x + 98), y, style, pitch)
    yield _at("Axes", x + 106, y, style)
    yield from _table(((name, f"{number}°") for name, number in axes), (x + 106, x + 126), y + pitch, style, pitch)
    yield from _list(facts.statements, x + 136, y, style, pitch)


def _nk_header(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    x, y, pitch = frame.start_x_mm, _first_line_y(style) + 1.0, 1.4 * style.text_mm
    yield _at(f"ID: {facts.number}   {facts.date} {facts.time}   {facts.sex} {facts.age}y", x, y, style, ADMIN)
    intervals = f"PR {_if_p(facts, facts.pr_ms)}  QRS {facts.qrs_ms}  QT/QTc {facts.qt_ms}/{facts.qtc_ms}ms"
    yield _at(f"HR {facts.rate}bpm  {intervals}  AXIS {facts.qrs_axis}deg", x, y + pitch, style)
    yield from _list(facts.statements, x + 145, y, style, pitch)


# ---- footers ---------------------------------------------------------------------------------------------------------


def _last_line_y(style: Style, frame: PageFrame) -> float:
    """The y of the baseline of the last line, mm: below the grid if the white band there is high enough, else near the paper's edge."""
    below = frame.grid_mm[3] + 1.6 * style.text_mm
    return below if below + 0.4 * style.text_mm <= frame.size_mm[1] else frame.size_mm[1] - 1.2 * style.text_mm


def _last_line(parts: Iterable[tuple[str, float]], style: Style, frame: PageFrame, bold: bool = False) -> Iterable[Text]:
    """The texts of the last line from `parts`: words, and their distance in mm from the left end of the line."""
    left = frame.grid_mm[0] if style.grid_inset_mm[0] else frame.start_x_mm - style.pulse_gap_mm - style.pulse_width_mm
    for words, along in parts:
        yield _at(words, max(left, 2.0) + along, _last_line_y(style, frame), style, "footer", bold)


def _muse_footer(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    yield from _last_line(
        (
            (_speed(setup), 0.0),
            (_gain(setup), 15.5),
            (f"{max(facts.filter_high_hz, 40)}Hz", 33.0),  # The upper cut-off of these machines is at least 40 Hz.
            (f"00{facts.device[1]}{'ABCDE'[ord(facts.device[-1]) % 5]}", 45.5),  # A version of the software, as in "005A".
            (f"12SL 243 CID: {int(facts.number) % 90 + 10}", 57.0),
        ),
        style,
        frame,
    )
    yield _ending_at(facts.page_words, frame.grid_mm[2] - 1.0, _last_line_y(style, frame), style, "footer")


def _mortara_footer(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    yield from _last_line(
        ((f"EC-350-{int(facts.number) % 900 + 100}", 0.0), (_speed(setup, " mm/sec"), 66.0), (_gain(setup, " mm/mV"), 148.0)), style, frame
    )
    low, high = facts.filter_low_hz, facts.filter_high_hz
    yield _ending_at(f"{facts.mains_hz}~ {low} - {high} Hz", frame.grid_mm[2] - 3.0, _last_line_y(style, frame), style, "footer")


def _express_footer(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    low, high = facts.filter_low_hz, facts.filter_high_hz
    plan = f"{frame.columns}*{frame.seconds / frame.columns:.3g}s" + (f"+{frame.strips}r" if frame.strips else "")
    words = f"{low}~{high}Hz   AC{facts.mains_hz}   {_speed(setup)}   {_gain(setup)}   {plan}"
    machine = f"{facts.rate}   SE-12X V2.{int(facts.number) % 90:02d}"
    y, x = _last_line_y(style, frame), max(3.0, frame.start_x_mm - style.pulse_width_mm - style.pulse_gap_mm - 1.0)
    for part, face in ((words, style.face), ("♥", "mono"), (machine, style.face)):
        text = replace(_at(part, x, y, style, "footer", True), face=face, italic=face == style.face, size_mm=1.1 * style.text_mm)
        yield text
        x = measure(text)[2] + (2.0 if part is words else 0.7)


def _philips_footer(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    chest = setup.chest_gain_mm_mv or setup.gain_mm_mv
    yield from _last_line(
        (
            ("Dev:", 0.0),
            (f"Speed: {_speed(setup, ' mm/sec')}", 46.0),
            (f"Limb: {setup.gain_mm_mv:g} mm/mV", 92.0),
            (f"Chest: {chest:.1f} mm/mV", 132.0),
            (f"F {facts.mains_hz}~ {facts.filter_low_hz}-{facts.filter_high_hz} Hz", 185.0),
            ("P?", 232.0),
        ),
        style,
        frame,
    )


def _schiller_footer(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    yield from _last_line(
        (
            (f"{_speed(setup, ' mm/s')}   {_gain(setup, ' mm/mV')}", 0.0),
            (f"{facts.filter_low_hz}-{facts.filter_high_hz}Hz", 62.0),
            (f"{facts.mains_hz}Hz   SSF SBS", 92.0),
            (f"EC-200  {facts.device}", 200.0),
        ),
        style,
        frame,
    )


def _nk_footer(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    yield from _last_line(
        ((f"{_gain(setup)}  {_speed(setup)}  filter: H{facts.mains_hz} d {facts.filter_high_hz} Hz", 0.0), (f"EC-9{facts.device}", 150.0)),
        style,
        frame,
    )


def _kit_footer(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    y = frame.size_mm[1] - 5.0
    yield _at(_speed(setup), 50.0, y, style, "footer")
    yield _at(_gain(setup), 100.0, y, style, "footer")


def _kit_header(facts: ReportFields, setup: MachineSettings, style: Style, frame: PageFrame) -> Iterable[Text]:
    # The texts are printed whatever `facts.shows` is. The height in cm is made up; the weight gives a body mass index of 24.5 kg/m².
    height = 148 + int(facts.number) % 45
    sex = "Female" if facts.sex.upper().startswith("F") else "Male"
    columns = (
        (1.2, (f"ID: {facts.number}", f"Age: {facts.age} yrs", f"Sex: {sex}")),
        (76.0, ("Name:", f"Height: {height} cm")),
        (151.0, (f"Date: {facts.date}, {facts.time}", f"Weight: {round(24.5 * (height / 100) ** 2)} kg")),
    )
    for x, lines in columns:
        yield from _list(lines, x, 5.3, style, 5.0, IDENTITY)


#: Functions that give the words above the traces, by name.
HEADERS: dict[str, Words] = {
    "none": _nothing,
    "muse": _muse_header,
    "mortara": _mortara_header,
    "confirmed": _confirmed_header,
    "fragment": _fragment_header,
    "philips": _philips_header,
    "schiller": _schiller_header,
    "nk": _nk_header,
    "kit": _kit_header,
}

#: Functions that give the line below the traces, by name.
FOOTERS: dict[str, Words] = {
    "none": _nothing,
    "muse": _muse_footer,
    "mortara": _mortara_footer,
    "express": _express_footer,
    "philips": _philips_footer,
    "schiller": _schiller_footer,
    "nk": _nk_footer,
    "kit": _kit_footer,
}
