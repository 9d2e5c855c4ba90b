"""Digitise many pictures into a folder of records: what ``fastecg digitize`` runs."""

from __future__ import annotations

from fastecg.archive.ledger import DIGITIZED, Ledger, Line
from fastecg.archive.run import Outcome, Step, Wish, digitize_archive
from fastecg.archive.summary import COLUMNS, SUMMARY

__all__ = ["COLUMNS", "DIGITIZED", "SUMMARY", "Ledger", "Line", "Outcome", "Step", "Wish", "digitize_archive"]
