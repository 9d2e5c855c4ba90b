"""Views: how the page gets into the picture. Each has a file of its own; `VIEWS` lists them."""

from fastecg.views.flatbed import Flatbed
from fastecg.views.phone import Phone
from fastecg.views.screen import Screen
from fastecg.views.straight import Straight
from fastecg.views.view import View

VIEWS: tuple[type[View], ...] = (Straight, Flatbed, Phone, Screen)

__all__ = ["VIEWS", "Flatbed", "Phone", "Screen", "Straight", "View"]
