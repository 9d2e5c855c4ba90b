"""Pages drawn by several threads at once are the pages drawn by one; and the rule that addresses live by."""

from __future__ import annotations

import ast
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

import fastecg
from fastecg.readers import read_record, sample_records

KERNELS = sorted((Path(fastecg.__file__).parent / "kernels").glob("*.py"))
PAGES, THREADS = 60, 4


def test_threads_draw_the_same_bytes():
    # Scratch memory that was freed while it was written to gave other pixels on one page in ten to twenty.
    records = [read_record(source.path) for source in sample_records()]

    def drawn(seed: int) -> str:
        return sha256(fastecg.render(records[seed % len(records)], recipe="mix", dpi=100, seed=seed).image.tobytes()).hexdigest()

    alone = [drawn(seed) for seed in range(PAGES)]
    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(drawn, range(PAGES)))
    assert [seed for seed in range(PAGES) if together[seed] != alone[seed]] == []


def broken_addresses(source: str) -> list[str]:
    """Places where an address is taken of anything but a parameter, or a view of one, of the function around it."""
    found = []
    for function in [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]:
        parameters = {argument.arg for argument in function.args.args}
        parameters -= {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "address":
                owner = node.args[0]
                while isinstance(owner, ast.Subscript):
                    owner = owner.value
                if not (isinstance(owner, ast.Name) and owner.id in parameters):
                    found.append(f"{function.name}: {ast.unparse(node)}")
            elif (isinstance(node, ast.Attribute) and node.attr == "ctypes") or (isinstance(node, ast.Name) and node.id == "carray"):
                found += [f"{function.name}: {ast.unparse(node)}"] * (function.name != "address")
    return found


@pytest.mark.parametrize("path", KERNELS, ids=lambda path: path.stem)
def test_addresses_are_of_what_the_caller_holds(path):
    assert broken_addresses(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "at = address(made)",
        "at = address(made[1:])",
        "at = made.ctypes.data",
        "given = given + 1; at = address(given)",
        "at = address(given.T)",
    ],
)
def test_the_rule_sees_what_breaks_it(line):
    assert broken_addresses(f"def kernel(given):\n    made = given + 1\n    {line}\n")
    assert not broken_addresses("def kernel(given):\n    return address(given[1]) + address(given)\n")
