"""Compiled loops over arrays, most of which write their results to a parameter. At run time they import of fastecg only one another."""

#: Pixels between the nodes of a `Warp`. With 8 px a picture takes 7 % longer than with 16 px, and follows creases three times as closely.
CELL = 8
