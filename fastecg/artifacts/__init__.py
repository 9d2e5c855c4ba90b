"""Artifacts: what happens to a page. One file each; `ARTIFACTS` lists them."""

from fastecg.artifact import Artifact

ARTIFACTS: tuple[type[Artifact], ...] = ()

__all__ = ["ARTIFACTS"]
