"""What `import fastecg` promises: its names, and how little it loads."""

import importlib
import importlib.util
import subprocess
import sys

import pytest

import fastecg


def test_every_public_name_has_a_home():
    assert set(fastecg.__all__) == set(fastecg._HOMES)
    for name, home in fastecg._HOMES.items():
        assert getattr(fastecg, name) is getattr(importlib.import_module(home), name)


def test_all_is_sorted_as_ruff_does():
    constants = [name for name in fastecg.__all__ if name.isupper()]
    classes = [name for name in fastecg.__all__ if name[0].isupper() and not name.isupper()]
    others = [name for name in fastecg.__all__ if name[0].islower()]
    assert fastecg.__all__ == sorted(constants) + sorted(classes) + sorted(others)


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        fastecg.nothing  # noqa: B018


def test_no_module_is_called_like_a_public_name():
    # `import fastecg.name` would otherwise put the module in the function's place.
    for name in fastecg.__all__:
        assert importlib.util.find_spec(f"fastecg.{name}") is None


@pytest.mark.parametrize("heavy", ["numba", "wfdb", "scipy", "matplotlib", "skimage", "PIL"])
def test_import_loads_nothing_heavy(heavy):
    code = f"import sys, fastecg; assert {heavy!r} not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
