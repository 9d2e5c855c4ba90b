"""Rendering many records: what is to be drawn, by which processes, where to, and what exists already. Read `dataset` first."""
