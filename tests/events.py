"""Waiting for what happens: on a busy machine everything takes longer than any time that a test could name."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

HANGS_S = 900.0  # after which a test is taken to hang: many times what anything takes on a busy machine


def until(happens: Callable[[], bool]) -> None:
    """Wait until something has happened."""
    deadline = time.monotonic() + HANGS_S
    while not happens():
        assert time.monotonic() < deadline, "it hangs"
        time.sleep(0.01)


def listed(out: Path) -> int:
    """How many lines the manifest of a run has."""
    path = out / "manifest.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0
