"""Compiled loops over arrays. Most of them write their results to a parameter. These modules import nothing of fastecg but one another."""

#: Pixels between the nodes of a `Warp`. With 8 px a picture takes 7 % longer than with 16 px, and follows creases three times as closely.
CELL = 8
