"""What of a run is left to draw, and which files are its own."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from fastecg.errors import FastecgError
from fastecg.options import Options
from fastecg.readers import read_record
from fastecg.run.drawing import Task
from fastecg.run.manifest import MANIFEST, RUN, Manifest, read_options, write_options
from fastecg.run.outputs import output_at
from fastecg.run.plan import _clear, _cut, _free_stem, _shard_of, find_tasks, in_parts, left_of, open_manifest, sweep
from fastecg.simulation import simulate
from fastecg.writers import write_record

LINE = {"page": 0, "variant": 0, "seed": 1, "recipe": "clean", "width": 9, "height": 9, "bytes": 5, "images": 2, "copy_bytes": 7}
TASKS = [Task(f"r{k}", Path("r.hea")) for k in range(7)]


def stems(tasks) -> list[str]:
    return [task.stem for task in tasks]


def test_limit_and_shards_part_the_tasks():
    assert stems(_shard_of(TASKS, 3, None)) == ["r0", "r1", "r2"]
    assert stems(_shard_of(TASKS, None, (1, 3))) == ["r0", "r3", "r6"]
    assert stems(_shard_of(TASKS, 5, (3, 3))) == ["r2"]
    assert sorted(stem for k in (1, 2, 3) for stem in stems(_shard_of(TASKS, None, (k, 3)))) == stems(TASKS)
    for limit, shard in ((0, None), (None, (0, 3)), (None, (4, 3))):
        with pytest.raises(FastecgError):
            _shard_of(TASKS, limit, shard)


def test_names_differ_in_more_than_their_case():
    taken = set[str]()
    assert [_free_stem(stem, taken) for stem in ("a", "A", "a", "b", "A_2")] == ["a", "A_2", "a_3", "b", "A_2_2"]


@pytest.mark.parametrize("letter", ["a", "ä", "心"])
def test_names_of_up_to_200_bytes_stay_as_they_are(letter):
    """Longer ones are cut between letters, and differ in a checksum."""
    most = letter * (200 // len(letter.encode()))
    assert _cut(most) == most
    cut = [_cut(most + end) for end in ("bcd", "bce")]
    assert all(len(name.encode()) <= 200 and name.startswith(letter * 60) for name in cut)
    assert cut[0] != cut[1]


def test_variants_are_parted_by_32():
    options = Options(recipe="clean", per_record=70)
    assert [part.variants for part in in_parts(TASKS[:1], options)] == [(0, 32), (32, 64), (64, 70)]
    assert in_parts(TASKS[:1], Options(recipe="clean", per_record=70, mask_unplotted=True)) == TASKS[:1]


def folder_of(out: Path, *lines) -> Manifest:
    """A folder whose images, truth and copy are there, of 5, 3 and 7 bytes."""
    manifest = Manifest(out)
    for line in lines:
        manifest._add(LINE | line)
        (out / line["path"]).write_bytes(bytes(5))
        (out / line["path"]).with_suffix(".json").write_bytes(bytes(3))
    (out / "r0.hea").write_bytes(b"head")
    (out / "r0.dat").write_bytes(bytes(7))
    return manifest


PAIR = [{"path": f"r0-{k}.png", "record": "r0", "truth_bytes": {"json": 3}} for k in range(2)]


@pytest.mark.parametrize(
    ("name", "size", "done", "copied"),
    [
        (None, 0, {0, 1}, True),
        ("r0-0.png", 4, {1}, True),
        ("r0-1.json", 0, {0}, True),
        ("r0.hea", 0, {0, 1}, False),
        ("r0.dat", 6, {0, 1}, False),
    ],
)
def test_what_is_there_and_whole_is_left_out(tmp_path, name, size, done, copied):
    manifest = folder_of(tmp_path, *PAIR)
    if name:
        (tmp_path / name).write_bytes(bytes(size))
    with output_at(tmp_path, None) as output:
        left = left_of(TASKS[0], output, manifest, Options(recipe="clean", per_record=2))
    assert (left.done, left.copied, left.complete) == (done, copied, name is None)


def test_images_of_odd_numbers_are_none_of_ours(tmp_path):
    odd = [{"path": f"r0-{number}.png", "record": "r0", "truth_bytes": {"json": 3}} for number in ("00", "x", "1" * 11)]
    manifest = folder_of(tmp_path, *PAIR[:1], *odd)
    with output_at(tmp_path, None) as output:
        assert left_of(TASKS[0], output, manifest, Options()).done == {0}
        (tmp_path / "keep.txt").write_bytes(b"")
        assert _clear(output, manifest) == 8  # three numbered pictures, their truth, and the copy
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keep.txt", "r0-x.json", "r0-x.png"]


@pytest.mark.parametrize(("number", "taken"), [("1" * 9, True), ("1" * 10, False), ("9" * 5000, False)])
def test_a_number_has_nine_digits_at_most(tmp_path, number, taken):
    """What a manifest lists beyond that is not looked for: names and numbers without end would be made of it."""
    line = LINE | {"path": f"r0-{number}.png", "record": "r0", "truth_bytes": {"json": 3}}
    manifest = Manifest(tmp_path)
    manifest._add(line)

    class Complete:
        """A folder that has every file of the size that is wanted."""

        def size(self, name: str) -> int | None:
            return {"png": 5, "json": 3, "dat": 7}.get(name.rpartition(".")[2], 1)

    assert left_of(TASKS[0], Complete(), manifest, Options()).done == ({int(number)} if taken else frozenset())


def test_a_shard_sweeps_up_behind_itself_alone(tmp_path):
    half = [f".{name}.0123456789ab.part" for name in ("r0-3.png", "r0.dat", "r1-0.png", MANIFEST, RUN)]
    for name in half:
        (tmp_path / name).write_bytes(b"half")
    sweep(tmp_path, {"r0"}, alone=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(half[2:])
    sweep(tmp_path, {"r0"}, alone=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [half[2]]


def test_only_files_within_the_folder_are_deleted(tmp_path):
    out, elsewhere = tmp_path / "out", tmp_path / "thesis.png"
    (out / "sub").mkdir(parents=True)
    elsewhere.write_bytes(b"mine")
    for name, content in (("a.png", b"x"), ("sub/b.png", b"x")):
        (out / name).write_bytes(content)
    (out / "link.png").symlink_to(elsewhere)
    (out / "linked").symlink_to(tmp_path)
    (out / "circle").symlink_to("circle")
    with output_at(out, None) as output:
        for name in ("link.png", "linked/thesis.png", "../thesis.png", "sub", "nothing.png", "circle"):
            assert not output.delete(name)
        assert output.delete("a.png")
        assert output.delete("sub/b.png")
    assert elsewhere.read_bytes() == b"mine"
    assert sorted(path.name for path in out.iterdir()) == ["circle", "link.png", "linked", "sub"]


def test_a_record_is_not_drawn_over_itself(tmp_path):
    write_record(tmp_path / "r0", simulate("sinus", seed=1, fs=100.0))
    assert stems(find_tasks([tmp_path / "r0"], tmp_path / "out", None, None)) == ["r0"]
    with pytest.raises(FastecgError, match="r0"):
        find_tasks([tmp_path / "r0"], tmp_path, None, None)


# --- the options of the run before


def test_a_new_folder_gets_the_options_and_has_nothing_to_delete(tmp_path):
    options = Options(recipe="clean")
    with output_at(tmp_path, None) as output:
        manifest, deleted = open_manifest(output, options, overwrite=False)
    assert (manifest.images, deleted) == ({}, 0)
    assert read_options(tmp_path) == options.to_dict()


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_same_options_go_on(tmp_path, overwrite):
    folder_of(tmp_path, *PAIR).compact()
    write_options(tmp_path, Options(recipe="clean", per_record=2).to_dict())
    with output_at(tmp_path, None) as output:
        manifest, deleted = open_manifest(output, Options(recipe="clean", per_record=2), overwrite)
    assert (set(manifest.images), deleted) == ({"r0-0.png", "r0-1.png"}, 0)


def test_other_options_are_refused_where_something_was_drawn(tmp_path):
    folder_of(tmp_path, *PAIR).compact()
    write_options(tmp_path, Options(recipe="clean", seed=1).to_dict())
    with output_at(tmp_path, None) as output, pytest.raises(FastecgError, match=r"made with other options \(.*seed.*--overwrite"):
        open_manifest(output, Options(recipe="clean", seed=2), overwrite=False)
    assert read_options(tmp_path)["seed"] == 1
    assert (tmp_path / "r0-0.png").exists()


def test_other_options_replace_what_was_drawn_if_that_is_asked_for(tmp_path):
    folder_of(tmp_path, *PAIR).compact()
    (tmp_path / "mine.txt").write_text("mine")
    write_options(tmp_path, Options(recipe="clean", seed=1).to_dict())
    with output_at(tmp_path, None) as output:
        manifest, deleted = open_manifest(output, Options(recipe="clean", seed=2), overwrite=True)
    assert (manifest.images, deleted) == ({}, 6)  # two images, two truths, the copy's two files
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt", RUN]
    assert read_options(tmp_path)["seed"] == 2


def test_other_options_are_taken_where_nothing_was_drawn(tmp_path):
    """A run that was stopped before its first picture has left its options alone."""
    write_options(tmp_path, Options(recipe="clean", seed=1).to_dict())
    with output_at(tmp_path, None) as output:
        assert open_manifest(output, Options(recipe="clean", seed=2), overwrite=False)[1] == 0
    assert read_options(tmp_path)["seed"] == 2


def test_shards_have_the_options_of_one_another(tmp_path):
    """The lines of other shards stand in the store: a shard goes on beside them, or is refused, and deletes none of theirs."""
    write_options(tmp_path, Options(recipe="clean", seed=1).to_dict())
    with output_at(tmp_path, None) as output:
        output.inherited = orjson.dumps(LINE | PAIR[0]) + b"\n"
        manifest, deleted = open_manifest(output, Options(recipe="clean", seed=1), overwrite=True)
        assert (set(manifest.images), deleted) == ({"r0-0.png"}, 0)
        with pytest.raises(FastecgError, match="other shards were made with other options"):
            open_manifest(output, Options(recipe="clean", seed=2), overwrite=True)


# --- where records come from


def test_what_a_run_left_in_its_own_input_is_not_drawn(tmp_path):
    out = tmp_path / "records" / "out"
    for folder in (tmp_path / "records", out):
        write_record(folder / folder.name, simulate("sinus", seed=1, fs=100.0))
    assert stems(find_tasks([tmp_path / "records"], out, None, None)) == ["records"]
    assert stems(find_tasks([out], out / "further", None, None)) == ["out"]  # asked for by name


def test_a_task_tells_what_its_record_was_read_from(tmp_path):
    write_record(tmp_path / "r0", simulate("sinus", seed=1, fs=100.0))
    read, made = read_record(tmp_path / "r0"), simulate("sinus", seed=1, fs=100.0, name="made")
    assert [task.source for task in find_tasks([read, made], tmp_path / "out", None, None)] == [read.source, "made"]
    assert read.source not in ("", "r0")
