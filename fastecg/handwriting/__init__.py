"""Handwriting and pen marks: a stroke alphabet, writers, a moving hand, and ink. No networks, and no fonts but one's own."""

from fastecg.handwriting.font import NotesFont, read_font
from fastecg.handwriting.glyphs import spelled, unwritable
from fastecg.handwriting.words import draw_note, draw_phrase, phrases, read_notes

__all__ = ["NotesFont", "draw_note", "draw_phrase", "phrases", "read_font", "read_notes", "spelled", "unwritable"]
