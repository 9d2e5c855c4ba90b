"""Random values: distributions, and the slots of recipes.

A recipe describes what may happen as distributions, from which concrete values are drawn. Every slot has its own random generator, seeded
by (seed, key, slot), so that adding a slot does not change the values of the others.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Generic, TypeVar
from zlib import crc32

import numpy as np

from fastecg.artifact import Params, fields_of
from fastecg.errors import RecipeError

V = TypeVar("V", bound=Params)

_MOST = 2**63 - 1  # Largest whole number of JSON and TOML.
_FORMS = "a value, [low, high], {normal = [mean, sd]}, {log = [low, high]}, {graded = [mild, severe]} or {choice = {value = share}}"


def whole(given: Any, what: str) -> int:
    """An integer of any kind, also NumPy's, as Python's `int`.

    Raises
    ------
    TypeError
        If it is no whole number.
    """
    try:
        return operator.index(given)
    except TypeError:
        raise TypeError(f"the {what} is {given!r}, expected a whole number") from None


def whole_seed(given: Any) -> int:
    """A seed as Python's `int`, cut to the lower bits that numbers in files may have."""
    number = whole(given, "seed")
    return number if number < 0 else number & _MOST


def rng_for(seed: int, key: str, slot: str) -> np.random.Generator:
    """The random generator of one slot of one picture."""
    words = (crc32(word.encode("utf-8", "surrogatepass")) for word in (key, slot))
    return np.random.default_rng([seed & 0xFFFFFFFFFFFFFFFF, *words])


@dataclass(frozen=True)
class Distribution:
    """How one value varies. Written in a recipe as one of: {forms}.

    "graded" follows the picture's severity from `mild` at 0 to `severe` at 1, with some scatter.
    """

    form: str
    numbers: tuple[Any, ...]
    shares: tuple[float, ...] = ()

    @classmethod
    def parse(cls, written: Any, where: str) -> Distribution:
        """Read the value in a recipe's file.

        Raises
        ------
        RecipeError
            If it has none of these forms; the message names `where` it stands.
        """
        if isinstance(written, list):
            return cls("uniform", _two_numbers(written, where))
        if not isinstance(written, Mapping):
            return cls("fixed", (written,))
        if len(written) == 1:
            form, content = next(iter(written.items()))
            if form in ("normal", "log", "graded"):
                return cls(form, _two_numbers(content, where, above_zero=form == "log"))
            if form == "choice" and isinstance(content, Mapping) and content:
                return cls("choice", tuple(_typed(key) for key in content), _shares(content, where))
        raise RecipeError(f"{where} is {dict(written)!r}, expected {_FORMS}")

    def sample(self, rng: np.random.Generator, severity: float) -> Any:
        """Sample one value. Always takes exactly one number from the generator."""
        u = float(rng.random())
        if self.form == "fixed":
            return self.numbers[0]
        if self.form == "choice":
            return self.numbers[bisect_right([*accumulate(self.shares)], u * sum(self.shares))]
        a, b = self.numbers
        if self.form == "normal":
            return a + b * _normal_quantile(u)
        if self.form == "log":
            return a * (b / a) ** u
        if self.form == "graded":
            u = min(max(severity + 0.3 * (u - 0.5), 0.0), 1.0)
        return a + (b - a) * u

    def written(self) -> Any:
        """The value in a recipe's file: the inverse of `parse`."""
        if self.form == "fixed":
            return self.numbers[0]
        if self.form == "uniform":
            return list(self.numbers)
        if self.form == "choice":
            return {"choice": {_as_key(item): share for item, share in zip(self.numbers, self.shares, strict=True)}}
        return {self.form: list(self.numbers)}

    def extremes(self) -> tuple[Any, ...]:
        """The smallest and largest values that can be sampled; normal distributions have none, they are clipped."""
        return () if self.form == "normal" else self.numbers


Distribution.__doc__ = (Distribution.__doc__ or "").format(forms=_FORMS)


def _two_numbers(written: Any, where: str, above_zero: bool = False) -> tuple[float, float]:
    if not (isinstance(written, list) and len(written) == 2 and all(map(_is_number, written))):
        raise RecipeError(f"{where} is {written!r}, expected two numbers, or {_FORMS}")
    if above_zero and min(written) <= 0:
        raise RecipeError(f"{where} is log {written!r}, expected two numbers above 0")
    return written[0], written[1]


def _is_number(written: Any) -> bool:
    return isinstance(written, int | float) and not isinstance(written, bool) and math.isfinite(written)


def _shares(content: Mapping[str, Any], where: str) -> tuple[float, ...]:
    parted = next(((key, value) for key, value in content.items() if isinstance(value, Mapping) and len(value) == 1), None)
    if parted is not None:  # TOML takes 12.5 = 0.1 for 5 = 0.1 in a table named 12
        key, (rest, *_) = parted[0], parted[1]
        raise RecipeError(f'{where} has a choice {key}.{rest}, which TOML takes for two keys, expected it quoted: "{key}.{rest}" = share')
    if not all(_is_number(share) and share >= 0 for share in content.values()) or not any(content.values()):
        raise RecipeError(f"{where} has shares {list(content.values())!r}, expected numbers of 0 or more, not all 0")
    return tuple(float(share) for share in content.values())


def _typed(key: str) -> Any:
    """The value that a key of a TOML table stands for; keys are always strings there."""
    if key in ("true", "false"):
        return key == "true"
    for number in (int, float):
        try:
            return number(key) if key.isascii() and math.isfinite(float(key)) else key
        except ValueError:
            continue
    return key


def _as_key(item: Any) -> str:
    """The inverse of `_typed`."""
    return str(item).lower() if isinstance(item, bool) else str(item)


def _normal_quantile(u: float) -> float:
    """Standard normal quantile, cut at ±3 (Acklam 2003 would be exact; the logistic is within 0.02 of it up to 2 sd and is one line)."""
    u = min(max(u, 1e-6), 1 - 1e-6)
    return min(max(4.91 * (u**0.14 - (1 - u) ** 0.14), -3.0), 3.0)


@dataclass(frozen=True)
class RandomSlot(Generic[V]):
    """A slot of a recipe: what may happen, how often, and how its values vary.

    `chance` is (at severity 0, at severity 1).
    """

    kind: type[V]
    chance: tuple[float, float]
    values: tuple[tuple[str, Distribution], ...]

    @classmethod
    def parse(cls, kinds: Mapping[str, type[V]], written: Mapping[str, Any], where: str) -> RandomSlot[V]:
        """Read a slot's table.

        Raises
        ------
        RecipeError
            If the kind or a key is unknown, or a value outside what its kind allows.
        """
        if not isinstance(written, Mapping):
            raise RecipeError(f"{where} is {written!r}, expected a table with a kind")
        name = written.get("kind")
        if not isinstance(name, str) or name not in kinds:
            raise RecipeError(f"{where}.kind is {name!r}, expected one of {', '.join(kinds)}")
        kind = kinds[name]
        known = [item.name for item in fields_of(kind)]
        values = []
        for key, content in written.items():
            if key in ("kind", "chance"):
                continue
            if key not in known:
                raise RecipeError(f"{where} has the unknown key {key!r}, expected kind, chance or one of {', '.join(known)}")
            values.append((key, Distribution.parse(content, f"{where}.{key}")))
            for extreme in values[-1][1].extremes():
                try:
                    kind.from_dict({key: extreme})
                except RecipeError as error:
                    raise RecipeError(f"{where}: {error}") from None
        values.sort(key=lambda pair: known.index(pair[0]))  # TOML does not keep the order of keys
        return cls(kind, _chance(written.get("chance", 1.0), where), tuple(values))

    def sample(self, rng: np.random.Generator, severity: float) -> V | None:
        """Concrete values, or None if it does not happen this time."""
        low, high = self.chance
        if rng.random() >= low + (high - low) * severity:
            return None
        given, drawn = dict(self.values), {}
        for item in fields_of(self.kind):
            # Every field takes one random number, used or not, so that a change to one value of a slot does not change its others.
            if item.name in given:
                drawn[item.name] = _within(item, given[item.name].sample(rng, severity))
            elif item.name == "seed":
                drawn["seed"] = int(rng.random() * 2**31)
            else:
                rng.random()
        return self.kind.from_dict(drawn)

    def written(self) -> dict[str, Any]:
        """The slot's table: the inverse of `parse`."""
        low, high = self.chance
        chance = {} if self.chance == (1.0, 1.0) else {"chance": low if low == high else [low, high]}
        return {"kind": self.kind.__name__, **chance, **{key: distribution.written() for key, distribution in self.values}}


def _chance(written: Any, where: str) -> tuple[float, float]:
    pair = written if isinstance(written, list) else [written, written]
    if len(pair) != 2 or not all(_is_number(p) and 0 <= p <= 1 for p in pair):
        raise RecipeError(f"{where}.chance is {written!r}, expected a number from 0 to 1, or two: at severity 0 and at severity 1")
    return float(pair[0]), float(pair[1])


def _within(item: Any, drawn: Any) -> Any:
    """A sampled number clipped to its field's range, and rounded if the field is whole."""
    if isinstance(drawn, bool) or not isinstance(drawn, int | float):
        return drawn
    low, high = item.metadata.get("low"), item.metadata.get("high")
    drawn = drawn if low is None else max(drawn, low)
    drawn = drawn if high is None else min(drawn, high)
    return round(drawn) if isinstance(item.default, int) and not isinstance(item.default, bool) else drawn
