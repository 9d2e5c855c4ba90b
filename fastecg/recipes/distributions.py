"""Random values: distributions, and the slots of recipes.

A recipe describes what may happen as distributions, from which concrete values are sampled. Every slot has its own random generator, seeded
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
    """An integer of any type, such as NumPy's, as Python's `int`. Errors call it `what`.

    Raises
    ------
    TypeError
        If it is not an integer.
    """
    try:
        return operator.index(given)
    except TypeError:
        raise TypeError(f"the {what} is {given!r}, expected a whole number") from None


def whole_seed(given: Any) -> int:
    """A seed as Python's `int`, reduced to its lower 63 bits, because JSON and TOML have no larger numbers. Negative seeds are kept."""
    number = whole(given, "seed")
    return number if number < 0 else number & _MOST


def rng_for(seed: int, key: str, slot: str) -> np.random.Generator:
    """The random generator of one slot of one picture; `key` names the picture."""
    words = (crc32(word.encode("utf-8", "surrogatepass")) for word in (key, slot))
    return np.random.default_rng([seed & 0xFFFFFFFFFFFFFFFF, *words])


@dataclass(frozen=True)
class Distribution:
    """How one value varies. In a recipe it is written as one of: {forms}.

    [low, high] is uniform, and "log" is uniform in the logarithm. "normal" is clipped at 3 standard deviations. "graded" follows the
    picture's severity, from `mild` at 0 to `severe` at 1, with a scatter of up to 0.15 in severity.
    """

    form: str
    numbers: tuple[Any, ...]
    shares: tuple[float, ...] = ()

    @classmethod
    def parse(cls, written: Any, where: str) -> Distribution:
        """Make a distribution from what is `written` in a recipe. Errors name the place by `where`.

        Raises
        ------
        RecipeError
            If it has none of the forms of a distribution.
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
        """The distribution as it is written in a recipe, from which `parse` makes it again."""
        if self.form == "fixed":
            return self.numbers[0]
        if self.form == "uniform":
            return list(self.numbers)
        if self.form == "choice":
            return {"choice": {_as_key(item): share for item, share in zip(self.numbers, self.shares, strict=True)}}
        return {self.form: list(self.numbers)}

    def extremes(self) -> tuple[Any, ...]:
        """Values between which all samples lie, or all choices. Normal ones give none, because the slot or page clips their samples."""
        return () if self.form == "normal" else self.numbers


Distribution.__doc__ = (Distribution.__doc__ or "").format(forms=_FORMS)


def _two_numbers(written: Any, where: str, above_zero: bool = False) -> tuple[float, float]:
    """The two numbers that are `written` in a recipe; a `RecipeError` if it is something else."""
    if not (isinstance(written, list) and len(written) == 2 and all(map(_is_number, written))):
        raise RecipeError(f"{where} is {written!r}, expected two numbers, or {_FORMS}")
    if above_zero and min(written) <= 0:
        raise RecipeError(f"{where} is log {written!r}, expected two numbers above 0")
    return written[0], written[1]


def _is_number(written: Any) -> bool:
    """Whether a value is a finite number."""
    return isinstance(written, int | float) and not isinstance(written, bool) and math.isfinite(written)


def _shares(content: Mapping[str, Any], where: str) -> tuple[float, ...]:
    """The shares of a table of choices; a `RecipeError` if they are not valid."""
    parted = next(((key, value) for key, value in content.items() if isinstance(value, Mapping) and len(value) == 1), None)
    if parted is not None:  # TOML reads the line 12.5 = 0.1 as the key 5 in a table called 12.
        key, (rest, *_) = parted[0], parted[1]
        raise RecipeError(f'{where} has a choice {key}.{rest}, which TOML takes for two keys, expected it quoted: "{key}.{rest}" = share')
    if not all(_is_number(share) and share >= 0 for share in content.values()) or not any(content.values()):
        raise RecipeError(f"{where} has shares {list(content.values())!r}, expected numbers of 0 or more, not all 0")
    return tuple(float(share) for share in content.values())


def _typed(key: str) -> Any:
    """The value for which a key of a TOML table stands, as keys of TOML are always strings: a bool, a number, or the string itself."""
    if key in ("true", "false"):
        return key == "true"
    for number in (int, float):
        try:
            return number(key) if key.isascii() and math.isfinite(float(key)) else key
        except ValueError:
            continue
    return key


def _as_key(item: Any) -> str:
    """The key of a TOML table that stands for a value; `_typed` gives the value again."""
    return str(item).lower() if isinstance(item, bool) else str(item)


def _normal_quantile(u: float) -> float:
    """The quantile of the standard normal distribution at probability u, clipped to ±3."""
    # Tukey's lambda distribution: within 0.004 of the normal one up to 2 standard deviations.
    u = min(max(u, 1e-6), 1 - 1e-6)
    return min(max(4.91 * (u**0.14 - (1 - u) ** 0.14), -3.0), 3.0)


@dataclass(frozen=True)
class RandomSlot(Generic[V]):
    """A slot of a recipe: what may happen, how often, and how its values vary.

    Attributes
    ----------
    kind : type
        The class of an artifact or view.
    chance : (float, float)
        The probability that it happens, at severity 0 and at severity 1, linear between.
    values : tuple of (str, Distribution)
        The distributions of its fields. Fields without one keep their default, except `seed`, which is random.
    """

    kind: type[V]
    chance: tuple[float, float]
    values: tuple[tuple[str, Distribution], ...]

    @classmethod
    def parse(cls, kinds: Mapping[str, type[V]], written: Mapping[str, Any], where: str) -> RandomSlot[V]:
        """Make a slot from the table that is `written` in a recipe. Errors name the place by `where`.

        Raises
        ------
        RecipeError
            If the kind or a key is unknown, or a value is outside the range that the kind allows.
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
        """An artifact or view with sampled values, or None if it does not happen this time."""
        mild, severe = self.chance
        if rng.random() >= mild + (severe - mild) * severity:
            return None
        given, sampled = dict(self.values), {}
        for item in fields_of(self.kind):
            # Every field takes one random number, used or not, so that a change to one value of a slot does not change its other values.
            if item.name in given:
                sampled[item.name] = _within(item, given[item.name].sample(rng, severity))
            elif item.name == "seed":
                sampled["seed"] = int(rng.random() * 2**31)
            else:
                rng.random()
        return self.kind.from_dict(sampled)

    def written(self) -> dict[str, Any]:
        """The slot as the table that is written in a recipe, from which `parse` makes it again."""
        mild, severe = self.chance
        chance = {} if self.chance == (1.0, 1.0) else {"chance": mild if mild == severe else [mild, severe]}
        return {"kind": self.kind.__name__, **chance, **{key: distribution.written() for key, distribution in self.values}}


def _chance(written: Any, where: str) -> tuple[float, float]:
    """The chances at severity 0 and 1 from what is `written` in a recipe: one number or two."""
    pair = written if isinstance(written, list) else [written, written]
    if len(pair) != 2 or not all(_is_number(p) and 0 <= p <= 1 for p in pair):
        raise RecipeError(f"{where}.chance is {written!r}, expected a number from 0 to 1, or two: at severity 0 and at severity 1")
    return float(pair[0]), float(pair[1])


def _within(item: Any, sampled: Any) -> Any:
    """A sampled number, clipped to the range of its field, and rounded if the field is an integer. Words and bools are kept."""
    if isinstance(sampled, bool) or not isinstance(sampled, int | float):
        return sampled
    low, high = item.metadata.get("low"), item.metadata.get("high")
    sampled = sampled if low is None else max(sampled, low)
    sampled = sampled if high is None else min(sampled, high)
    return round(sampled) if isinstance(item.default, int) and not isinstance(item.default, bool) else sampled
