"""A photo taken with a phone held over the page."""

from __future__ import annotations

from dataclasses import dataclass

from fastecg.views.camera import Camera


@dataclass(frozen=True)
class Phone(Camera):
    """A phone over the page: some 40 cm away, hardly ever straight above, and often turned."""
