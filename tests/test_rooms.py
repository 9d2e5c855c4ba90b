"""Who imports whom: no circles, not even by imports inside functions; and what has a line for every file."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import fastecg
from fastecg.artifact import Artifact
from fastecg.artifacts import ARTIFACTS

ROOT = Path(fastecg.__file__).parent
MODULES = {".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path for path in ROOT.rglob("*.py")}


def imported(node: ast.AST) -> set[str]:
    """The modules of the package that are imported below a node, at any depth, but for the sake of types."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return set()
    found: set[str] = set()
    if isinstance(node, ast.Import):
        found = {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom) and node.module:
        below = {f"{node.module}.{alias.name}" for alias in node.names}
        found = (below & MODULES.keys()) | ({node.module} if below - MODULES.keys() else set())
    return found.union(*(imported(child) for child in ast.iter_child_nodes(node)))


def test_no_module_imports_one_that_imports_it():
    graph = {name: (imported(ast.parse(path.read_text(encoding="utf-8"))) & MODULES.keys()) - {name} for name, path in MODULES.items()}
    assert len(graph) > 200
    assert graph["fastecg.rendering"] >= {"fastecg.options", "fastecg.readers"}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_the_way_in_is_short():
    """Few modules stand at the top, and the page that says what holds what names each of them, and each room."""
    top = {path.name for path in ROOT.glob("*.py")} - {"__init__.py", "__main__.py"}
    rooms = {f"{path.name}/" for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert len(top) <= 16
    told = (ROOT.parent / "docs" / "how-it-works.md").read_text(encoding="utf-8").partition("## Where things live")[2]
    assert {name for name in top | rooms if f"`{name}`" not in told} == set()


def test_every_artifact_has_a_line():
    """A new artifact is one file and one line; this is what tells that the line was forgotten."""
    homes = {kind.__module__.rpartition(".")[2] for kind in ARTIFACTS}
    files = {path.stem for path in (ROOT / "artifacts").glob("*.py")} - {"__init__"}
    helpers = {name for name in files - homes if not any(is_artifact(node) for node in parsed(name).body)}
    assert files == homes | helpers, "files that define an artifact without a line in artifacts/__init__.py"
    assert len(set(ARTIFACTS)) == len(ARTIFACTS)
    assert not any(kind is Artifact for kind in ARTIFACTS)


def parsed(name: str) -> ast.Module:
    return ast.parse((ROOT / "artifacts" / f"{name}.py").read_text(encoding="utf-8"))


def is_artifact(node: ast.stmt) -> bool:
    return isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Artifact" for base in node.bases)


def test_compiled_code_is_in_kernels_alone():
    named = {path for path in ROOT.rglob("*.py") if "import jit\n" in path.read_text(encoding="utf-8")}
    assert named
    assert {path.parent.name for path in named} == {"kernels"}, sorted(path.name for path in named if path.parent.name != "kernels")


def test_constants_are_defined_one_a_line():
    """So that each has its unit and its reason beside it."""
    found = []
    for name, path in MODULES.items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            together = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple)
            if together:
                found.append(f"{name}:{node.lineno}")
    assert not found
