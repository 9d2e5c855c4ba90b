"""Runs of a mask."""

from itertools import groupby

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastecg.kernels.runs import runs_of


@given(st.lists(st.booleans(), max_size=40))
def test_runs_are_those_that_counting_finds(mask):
    found, at = [], 0
    for true, run in groupby(mask):
        stop = at + len(list(run))
        if true:
            found.append([at, stop])
        at = stop
    assert runs_of(np.array(mask, dtype=bool)).tolist() == found
