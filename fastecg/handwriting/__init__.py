"""Handwriting and pen marks: a stroke alphabet, writers, a moving hand, and ink. No fonts, no networks."""

from fastecg.handwriting.glyphs import spelled, unwritable
from fastecg.handwriting.words import draw_note, draw_phrase, phrases, read_notes

__all__ = ["draw_note", "draw_phrase", "phrases", "read_notes", "spelled", "unwritable"]
