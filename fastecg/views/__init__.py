"""Views: how the page gets into the picture. One file each; `VIEWS` lists them."""

from fastecg.views.straight import Straight
from fastecg.views.view import View

VIEWS: tuple[type[View], ...] = (Straight,)

__all__ = ["VIEWS", "Straight", "View"]
