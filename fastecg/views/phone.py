"""A photo taken with a phone held over the page."""

from __future__ import annotations

from dataclasses import dataclass

from fastecg.views.camera import Camera


@dataclass(frozen=True)
class Phone(Camera):
    """A phone that is held over the page, by default straight above it at a distance of 40 cm."""
