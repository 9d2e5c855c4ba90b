"""Compiled loops: arrays and numbers in, `out` written. They import nothing of fastecg but one another."""
