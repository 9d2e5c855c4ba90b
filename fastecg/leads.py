"""Names of leads. `standard_name` finds the library's name of a lead from any known spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

#: The standard twelve leads, in the order of every mask and layer of this library.
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

#: Further leads known by name: right-sided chest leads, posterior chest leads, and Frank's orthogonal leads.
EXTRA_LEADS = ("V3R", "V4R", "V5R", "V6R", "V7", "V8", "V9", "vx", "vy", "vz")

#: Factors (a, b) of limb leads that follow from Einthoven's and Goldberger's equations: each is a times lead I plus b times lead II.
LIMB_SHARES = {"III": (-1.0, 1.0), "aVR": (-0.5, -0.5), "aVL": (1.0, -0.5), "aVF": (-0.5, 1.0)}

#: Only this many characters of a name are compared: known names are shorter, and names in files may have megabytes.
LONGEST_NAME = 64

# Spellings in lower case. The modified limb leads of MIT-BIH (MLII) look like the limb leads that they stand for. In Romance languages,
# leads I to III are DI to DIII or D1 to D3. VR is aVR. In German and in IEC standards, chest leads are C1 to C6.
_SPELLINGS = {
    **{name.lower(): name for name in LEADS + EXTRA_LEADS},
    **{"ml" + name.lower(): name for name in LEADS[:3]},
    **{"d" + name.lower(): name for name in LEADS[:3]},
    **{f"d{k}": name for k, name in enumerate(LEADS[:3], 1)},
    **{"v" + limb: "aV" + limb.upper() for limb in "rlf"},
    **{"c" + name[1:].lower(): name for name in LEADS + EXTRA_LEADS if name[1:2].isdigit()},
}
_NUMBERED = dict(zip("123", LEADS[:3], strict=True))  # "lead 1" is lead I, while "ECG 1" may be any lead.
# Cyrillic letters stand for Latin ones of the same sound (В1 is V1), but С for the C that it looks like.
_CYRILLIC = str.maketrans("АВІЛРФСавілрфс", "AVILRFCavilrfc")

# The dash in "ECG-V1" is a hyphen, that in "ECG -aVR" a minus. No character matches in two ways: a pattern that backtracks would take
# minutes on long names.
_WORDS = "导联|導聯|誘導"  # "lead" in Chinese and Japanese
_PREFIX = re.compile(rf"(?:ecg|ekg|lead|mdc|{_WORDS})(?:-|[\s_:.]*)", re.IGNORECASE)
_SUFFIX = re.compile(rf"(?:[-\s_:.](?:ecg|ekg|lead)|[-\s_:.]?(?:{_WORDS}))$", re.IGNORECASE)
_CORE = re.compile(r"([-\u2212]?)(\w+)")  # A hyphen or minus of an inverted lead, and the name itself.
# A separator may stand between letters and digits ("V-1"), or within aVR. "I-II" does not match: it is the difference of two leads.
_PARTED = re.compile(r"([-\u2212]?)(?:([a-z]{1,2})[-\s_.](\d)(?:[-\s_.]?(r))?|(v\d)[-\s_.](r)|(a)[-\s_.]?(v)[-\s_.]([rlf]))", re.IGNORECASE)
_REMARK = re.compile(r"\s+#.*", re.DOTALL)  # A comment after the name, as in "V1 # noisy".


def standard_name(raw: str) -> tuple[str, int] | None:
    """The library's name of the lead that is spelled `raw`, and -1 if it is inverted, else 1. None if the spelling is not known.

    >>> standard_name("ECG lead avr"), standard_name("-aVR"), standard_name("MLII"), standard_name("ECG 1")
    (('aVR', 1), ('aVR', -1), ('II', 1), None)
    >>> standard_name("V-1"), standard_name("V1-ECG"), standard_name("Ⅱ"), standard_name("V1 # noisy")
    (('V1', 1), ('V1', 1), ('II', 1), ('V1', 1))
    """
    rest = unicodedata.normalize("NFKC", raw.strip()[:LONGEST_NAME]).translate(_CYRILLIC)
    rest = _SUFFIX.sub("", _REMARK.sub("", rest).rstrip())
    says_lead = False
    while prefix := _PREFIX.match(rest):
        says_lead |= prefix[0][:4].lower() == "lead"
        rest = rest[prefix.end() :]
    parted = _PARTED.fullmatch(rest)
    match = _CORE.fullmatch("".join(part or "" for part in parted.groups()) if parted else rest)
    if match is None:
        return None
    core = match[2].lower()
    name = _SPELLINGS.get(core) or (_NUMBERED.get(core) if says_lead else None)
    return None if name is None else (name, -1 if match[1] else 1)


@lru_cache(maxsize=256)  # all records of a data set have the same few sets of leads
def standard_names(spelled: Sequence[str]) -> tuple[tuple[str, int] | None, ...]:
    """The result of `standard_name` for every lead of a record; None for unknown names, and for spellings that do not count.

    If several spellings mean the same lead, only the library's own name counts, in upper or lower case, even if it occurs twice. Without
    it the first spelling counts.

    >>> standard_names(("MLII", "II", "AVR"))
    (None, ('II', 1), ('aVR', 1))
    """
    exact = {name for raw in spelled if (name := _SPELLINGS.get(raw.lower())) and name.lower() == raw.lower()}
    taken, found = set(exact), []
    for raw in spelled:
        known = standard_name(raw)
        if known and known[0] in taken and known[0].lower() != raw.lower():
            known = None
        elif known:
            taken.add(known[0])
        found.append(known)
    return tuple(found)
