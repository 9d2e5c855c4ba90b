"""The rule that subkernels live by: only kernels call them."""

from __future__ import annotations

import ast
from pathlib import Path

import fastecg

PACKAGE = Path(fastecg.__file__).parent
TESTS = Path(__file__).parent.parent


def decorators(node: ast.stmt) -> set[str]:
    """Names of the decorators of a function."""
    called = [item.func if isinstance(item, ast.Call) else item for item in getattr(node, "decorator_list", [])]
    return {item.id for item in called if isinstance(item, ast.Name)}


def subkernels_of(source: str) -> set[str]:
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and "subkernel" in decorators(node)}


def calls_from_python(source: str, kernels: set[str]) -> list[str]:
    """Functions of a module that are no kernels, or its top level, and name one of `kernels`."""
    found = []
    for node in ast.parse(source).body:
        names = {item.id for item in ast.walk(node) if isinstance(item, ast.Name)} | {
            item.attr for item in ast.walk(node) if isinstance(item, ast.Attribute)
        }
        if not decorators(node) & {"jit", "subkernel"} and names & kernels:
            found.append(f"{getattr(node, 'name', f'line {node.lineno}')}: {', '.join(sorted(names & kernels))}")
    return found


def test_python_calls_no_subkernel():
    sources = {path: path.read_text(encoding="utf-8") for path in (PACKAGE / "kernels").glob("*.py")}
    subkernels = {path.stem: subkernels_of(source) for path, source in sources.items()}
    assert sum(map(len, subkernels.values())) > 100
    for path in [*PACKAGE.rglob("*.py"), *TESTS.rglob("*.py"), *(PACKAGE.parent / "benchmarks").glob("*.py")]:
        source = path.read_text(encoding="utf-8")
        of_kernels = [
            node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and "fastecg.kernels" in str(node.module)
        ]
        # Names that the module has from kernels/: its own if it lies there, and those that it imports.
        imported = {
            name
            for node in of_kernels
            for name in (item.name for item in node.names)
            if name in subkernels.get(str(node.module).rsplit(".", 1)[-1], ())
        }
        modules = {item.name for node in of_kernels for item in node.names if item.name in subkernels}
        known = imported.union(*(subkernels[name] for name in modules)) | (subkernels_of(source) if path in sources else set())
        assert calls_from_python(source, known) == [], path


def test_the_rule_sees_a_call_from_python():
    source = "@subkernel\ndef _part(x):\n    return x\n\n@jit\ndef whole(x):\n    return _part(x)\n\ndef python(x):\n    return _part(x)\n"
    assert calls_from_python(source, subkernels_of(source)) == ["python: _part"]
