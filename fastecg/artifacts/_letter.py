"""The print on sheets of paper that lie beside a page: made-up hospital letters without names."""

from __future__ import annotations

import functools
import textwrap

import numpy as np

#: Width of the printed lines, in units of the distance between lines.
LINE_LENGTH = 36
#: Number of different lines; on a sheet with more lines, the first one follows the last.
LINES = 60
_LINE_PX = 32  # Distance of lines in px in the finest print; coarser prints are made from it.
_EM = 0.76  # Font size in units of the distance between lines.
_CHARACTERS = 100  # Largest number of characters in a line.
_SENTENCES = (
    "The patient was seen in the outpatient clinic for a routine review.",
    "There has been no chest pain since the last visit.",
    "Blood pressure was measured three times while seated and was within the expected range.",
    "Exercise tolerance is unchanged, with two flights of stairs managed without stopping.",
    "Heart sounds are normal and the lungs are clear on both sides.",
    "No swelling of the ankles was found.",
    "We would be grateful for a repeat of the blood tests in four weeks.",
    "The dose of the evening tablet was reduced because of dizziness on standing.",
    "Echocardiography showed good function of the left ventricle and no significant valve disease.",
    "A 24 hour recording has been requested and will be discussed at the next appointment.",
    "Please continue all other medication as before.",
    "The wound is dry and healing well, and the stitches may be removed on day ten.",
    "Cholesterol remains slightly raised despite a change of diet.",
    "Kidney function and electrolytes are unchanged compared with the previous sample.",
    "Smoking was stopped five years ago, and alcohol is taken only occasionally.",
    "The chest film shows a normal outline of the heart.",
    "Palpitations occur once or twice a month, last a few minutes and settle without treatment.",
    "An information leaflet was given and all questions were answered.",
    "The appointment should be confirmed by telephone at least two working days before.",
    "Visitors are asked to leave the ward by eight in the evening.",
    "Fasting is required for six hours before the examination; water may be taken until two hours before.",
    "Bring this letter and a list of current medicines to the admission desk on the ground floor.",
    "Temperature, pulse and oxygen saturation were recorded every four hours overnight.",
    "Mobility improved steadily with physiotherapy, and a walking frame is no longer needed.",
    "The result was discussed with the ward team during the morning round.",
    "In case of fever, bleeding or shortness of breath, contact the emergency department at once.",
    "Weight has been stable over the past six months.",
    "There is a family history of high blood pressure but not of sudden death.",
    "The surgical team advises against lifting heavy loads for six weeks.",
    "A follow-up visit was arranged for the spring.",
)


@functools.lru_cache(maxsize=8)
def letter_print(halvings: int) -> np.ndarray:
    """Coverage (rows, columns), 0 to 255 uint8, by the print of `LINES` lines of running text, `_LINE_PX` px high each.

    Height and width of that print are halved `halvings` times, so that the print of a sheet that is small in the picture can be painted
    without skipping rows of pixels.
    """
    if halvings > 0:
        finer = letter_print(halvings - 1).astype(np.uint16)
        return ((finer[::2, ::2] + finer[1::2, ::2] + finer[::2, 1::2] + finer[1::2, 1::2] + 2) // 4).astype(np.uint8)
    from fastecg.page import Text
    from fastecg.printing.text import draw_texts

    printed = np.zeros((LINES * _LINE_PX, LINE_LENGTH * _LINE_PX), dtype=np.uint8)
    texts = (Text("header", line, 0.0, (k + 0.75) * _LINE_PX, _EM * _LINE_PX, "sans") for k, line in enumerate(_lines()) if line)
    draw_texts(printed, texts, 1.0)
    return printed


def halvings_for(pitch_px: float) -> int:
    """Smallest number of halvings after which a pixel of the print is at least a pixel of a picture with lines of text `pitch_px` apart.

    The result is at most 4, even if more halvings would be needed.
    """
    return int(np.clip(np.ceil(np.log2(_LINE_PX / max(pitch_px, 1e-6))), 0, 4))


def _lines() -> list[str]:
    """The `LINES` lines of text: paragraphs of up to 5 sentences, separated by empty lines.

    The order of the sentences is random but always the same. The last paragraph may be cut off.
    """
    rng, lines = np.random.default_rng(3), list[str]()
    while len(lines) < LINES:
        order, start = rng.permutation(len(_SENTENCES)), 0
        while start < len(order):
            stop = start + int(rng.integers(2, 6))
            lines += [*textwrap.wrap(" ".join(_SENTENCES[k] for k in order[start:stop]), _CHARACTERS), ""]
            start = stop
    return [*lines[: LINES - 1], ""]  # The text is repeated, so it ends with a gap.
