"""What an output folder knows of itself, line by line."""

from __future__ import annotations

import os

import orjson
import pytest

from fastecg.errors import FastecgError
from fastecg.run.manifest import MANIFEST, RUN, Manifest, changed_options, read_options, write_options

IMAGE = {"path": "a-0.png", "record": "a", "page": 0, "variant": 0, "seed": 1, "recipe": "clean", "width": 9, "height": 9, "bytes": 5}


def manifest(folder, *lines) -> Manifest:
    (folder / MANIFEST).write_bytes(b"".join(line if isinstance(line, bytes) else orjson.dumps(line) + b"\n" for line in lines))
    return Manifest(folder)


@pytest.mark.parametrize("name", ["../a", "a/../../b", "..", "/a", "", "a\0", "a\\b", None, 5, ".", "/"])
def test_names_that_lead_elsewhere_count_for_nothing(tmp_path, name):
    assert manifest(tmp_path, IMAGE).images
    assert not manifest(tmp_path, IMAGE | {"path": name}).images
    assert not manifest(tmp_path, IMAGE | {"record": name}).images
    assert not manifest(tmp_path, {"record": name, "error": "x"}).errors


@pytest.mark.parametrize("key", ["page", "variant", "seed", "width", "height", "bytes", "recipe"])
def test_lines_that_lack_something_count_for_nothing(tmp_path, key):
    for value in (None, True, [], 1.5):
        assert not manifest(tmp_path, IMAGE | {key: value}).images
    assert not manifest(tmp_path, {name: value for name, value in IMAGE.items() if name != key}).images


def test_a_torn_line_takes_no_other_along(tmp_path):
    torn = manifest(tmp_path, IMAGE, b'{"path": "b-0')
    torn.append([IMAGE | {"path": "a-1.png"}])
    torn.append([IMAGE | {"path": "a-2.png"}])
    assert list(Manifest(tmp_path).images) == ["a-0.png", "a-1.png", "a-2.png"]
    assert b"\n\n" not in (tmp_path / MANIFEST).read_bytes()


def test_pictures_undo_an_error_and_an_error_comes_last(tmp_path):
    mended = manifest(tmp_path, {"record": "a", "error": "x"}, {"record": "b", "error": "y"}, IMAGE)
    assert list(mended.errors) == ["b"]
    mended.compact()
    lines = [orjson.loads(line) for line in (tmp_path / MANIFEST).read_bytes().splitlines()]
    assert [line["record"] for line in lines] == ["a", "b"]


def test_a_manifest_in_order_has_pages_within_variants(tmp_path):
    places = [("b", 0, 0), ("a", 1, 1), ("a", 0, 1), ("a", 1, 0), ("a", 0, 0)]
    lines = [
        IMAGE | {"path": f"{record}-{variant}{page}.png", "record": record, "variant": variant, "page": page}
        for record, variant, page in places
    ]
    manifest(tmp_path, *lines).compact()
    assert list(Manifest(tmp_path).images) == ["a-00.png", "a-01.png", "a-10.png", "a-11.png", "b-00.png"]
    assert [line["path"] for line in Manifest(tmp_path).of("a")] == ["a-00.png", "a-01.png", "a-10.png", "a-11.png"]


def test_lines_of_any_usual_length_count(tmp_path):
    long = IMAGE | {"path": "n" * 5000 + "-0.png"}
    assert list(manifest(tmp_path, long).images) == [long["path"]]


def test_another_version_is_no_other_option():
    before = {"version": "0.0.9", "dpi": 200.0, "recipe_toml": "a"}
    assert changed_options(before, before | {"version": "0.1.0"}) == []
    assert changed_options(before, before | {"dpi": 100.0}) == ["dpi 200.0, now 100.0"]
    assert changed_options(before, before | {"recipe_toml": "b"}) == ["the recipe's contents"]
    assert changed_options({"a": 1}, {}) == ["a 1, now None"]


def test_comments_of_a_recipe_are_no_other_option():
    """Those of built-in recipes are in its text, and may be others in another version."""
    before = {"recipe_toml": "# once\ntitle = 'a'\n[slots.x]\nkind = 'X' # so\n[slots.y]\nkind = 'Y'\n"}
    after = "title = \"a\"\n\n[slots.x]\nkind = 'X'\n[slots.y]\nkind = 'Y' # now\n"
    assert changed_options(before, {"recipe_toml": after}) == []
    assert changed_options(before, {"recipe_toml": after, "dpi": 1}) == ["dpi None, now 1"]
    turned = "title = 'a'\n[slots.y]\nkind = 'Y'\n[slots.x]\nkind = 'X'\n"  # the order of slots is the order in which they happen
    for other in (turned, after.replace("'X'", "'Z'"), None, 5, "[", "a." * 20 + "b = 1", ""):
        assert changed_options(before, {"recipe_toml": other}) == ["the recipe's contents"]


def test_lines_count_at_once_in_a_folder_that_had_none(tmp_path):
    new = Manifest(tmp_path)
    new.append([])
    assert not (tmp_path / MANIFEST).exists(), "nothing to say, nothing written"
    new.append([IMAGE, {"record": "b", "error": "x"}])
    assert new.of("a") == [IMAGE]
    assert list(new.errors) == ["b"]
    assert len((tmp_path / MANIFEST).read_bytes().splitlines()) == 2


def test_lines_of_others_are_known_and_stay_theirs(tmp_path):
    own = Manifest(tmp_path, orjson.dumps(IMAGE) + b"\n")
    own.append([IMAGE | {"path": "a-1.png"}])
    assert [line["path"] for line in own.of("a")] == ["a-0.png", "a-1.png"]
    assert list(Manifest(tmp_path).images) == ["a-1.png"]


def test_appending_leaves_no_file_open(tmp_path):
    def lowest_free() -> int:
        handle = os.open(os.devnull, os.O_RDONLY)
        os.close(handle)
        return handle

    new, before = Manifest(tmp_path), lowest_free()
    new.append([IMAGE])
    assert lowest_free() == before


def test_half_a_line_on_a_full_disk_is_said_and_parted_from_the_next(tmp_path, monkeypatch):
    new, write = Manifest(tmp_path), os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda handle, data: write(handle, data[: len(data) // 2]))
        with pytest.raises(OSError, match="space") as fault:
            new.append([IMAGE])
    assert fault.value.filename == str(tmp_path / MANIFEST)
    new.append([IMAGE | {"path": "a-1.png"}])
    assert list(Manifest(tmp_path).images) == ["a-1.png"]


def test_options_are_read_as_written(tmp_path):
    assert read_options(tmp_path) is None
    write_options(tmp_path, {"dpi": 200.0, "version": "1"})
    assert read_options(tmp_path) == {"dpi": 200.0, "version": "1"}
    (tmp_path / RUN).write_bytes(bytes(40))  # what a power cut leaves
    assert read_options(tmp_path) is None
    for content, said in ((b"[1]", "no table"), (b"{", "not valid JSON")):
        (tmp_path / RUN).write_bytes(content)
        with pytest.raises(FastecgError, match=said):
            read_options(tmp_path)
