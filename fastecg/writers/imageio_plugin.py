"""The PNG encoder of fastecg as an imageio plugin: ``imageio.v3.imwrite("page.png", image, plugin="fastecg")``.

Importing this module makes the name known to imageio. The plugin only writes, because imageio's own plugins read PNG well.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from imageio.config.plugins import PluginConfig, known_plugins
from imageio.core.request import InitializationError, IOMode, Request
from imageio.core.v3_plugin_api import PluginV3
from numpy.typing import ArrayLike

from fastecg.writers.png import png_bytes

NAME = "fastecg"


class FastPngPlugin(PluginV3):
    """Writes PNG with `fastecg.writers.png.png_bytes`."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        if request.mode.io_mode != IOMode.write or request.extension not in (".png", None):
            raise InitializationError("the fastecg plugin writes PNG and nothing else")

    def write(  # type: ignore[override]  # a PNG holds one image, not a list
        self, ndimage: ArrayLike, *, dpi: float | None = None, level: int = 1
    ) -> bytes | None:
        """Write one image; `dpi` and `level` as in `png_bytes`. Returns the bytes when the target is ``"<bytes>"``."""
        body = png_bytes(np.asarray(ndimage), dpi=dpi, level=level)
        self.request.get_file().write(body)
        return body if self.request.raw_uri == "<bytes>" else None

    def read(self, *, index: int = 0) -> np.ndarray:
        """Not offered: the plugin cannot read."""
        raise self._write_only()

    def iter(self) -> Any:
        """Not offered, as `read`."""
        raise self._write_only()

    def properties(self, index: int = 0) -> Any:
        """Not offered, as `read`."""
        raise self._write_only()

    def metadata(self, index: int = 0, exclude_applied: bool = True) -> dict[str, Any]:
        """Not offered, as `read`."""
        raise self._write_only()

    @staticmethod
    def _write_only() -> InitializationError:
        return InitializationError("the fastecg plugin writes PNG, expected another plugin for reading")


known_plugins[NAME] = PluginConfig(name=NAME, class_name=FastPngPlugin.__name__, module_name=__name__)
