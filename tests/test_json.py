"""JSON that others have written: as it is, or refused before it fills the memory."""

from __future__ import annotations

import pytest

from fastecg.digitizing.page_model import read_page
from fastecg.errors import FastecgError
from fastecg.run.manifest import read_options
from fastecg.system.files import parse_json
from fastecg.web.review import _report
from fastecg.writers.truth_json import load_truth


def test_a_document_of_lists_and_tables_is_read_up_to_their_largest_number(monkeypatch):
    monkeypatch.setattr("fastecg.system.files._MOST_LISTS", 4)
    assert parse_json(b'{"a": [[1, 2], {}]}') == {"a": [[1, 2], {}]}
    for more in (b'{"a": [[1, 2], {}, []]}', b'{"a": [[1, 2], {}, {}]}', b"[[[[[1]]]]]"):
        with pytest.raises(ValueError, match="million lists and tables"):
            parse_json(more)


@pytest.mark.parametrize("read", [load_truth, read_page, _report, lambda path: read_options(path.parent)])
def test_files_of_millions_of_lists_are_refused(tmp_path, monkeypatch, read):
    """64 MiB of them would take 2 GB."""
    monkeypatch.setattr("fastecg.system.files._MOST_LISTS", 1000)
    path = tmp_path / "run.json"
    path.write_bytes(b'{"segments": [' + b"[]," * 1000 + b"[]]}")
    with pytest.raises(FastecgError, match="lists and tables"):
        read(path)
