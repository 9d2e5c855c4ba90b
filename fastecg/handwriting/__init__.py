"""Handwriting and pen marks: a stroke alphabet, writers, a moving hand, and ink. There are no networks, and no fonts but the user's."""

from fastecg.handwriting.font import NotesFont, read_font
from fastecg.handwriting.glyphs import spelled, unwritable
from fastecg.handwriting.words import phrases, read_notes, sample_note, sample_phrase

__all__ = ["NotesFont", "phrases", "read_font", "read_notes", "sample_note", "sample_phrase", "spelled", "unwritable"]
