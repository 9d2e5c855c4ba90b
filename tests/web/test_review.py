"""The page on which people see and correct what was digitised, driven as they do: with a pointer."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import orjson
import pytest
from payload import CHROMIUM, PAYLOAD, Tags, browsed, fields, with_payload, without_policy
from PIL import Image
from typer.testing import CliRunner

import fastecg
from fastecg.archive import DIGITIZED
from fastecg.cli import app
from fastecg.errors import FastecgError
from fastecg.web import review
from fastecg.web.review import review_folder
from fastecg.writers import write_record


@pytest.fixture
def digitised(tmp_path) -> Path:
    """A folder as `digitize` leaves it, of one page whose places are known exactly: the report is made from the truth."""
    record = fastecg.simulate("sinus", seed=1, name="p")
    photo = fastecg.render(record, recipe="clean", layout="3x4", dpi=100, seed=1)
    (tmp_path / "in").mkdir()
    photo.save(tmp_path / "in" / "p.png")
    out = tmp_path / "out"
    out.mkdir()
    px = photo.truth.px_per_mm()
    segments = []
    for trace in photo.truth.traces:
        own = trace.trace
        ends = [(float(own.points_mm[at, 0]), own.baseline_mm) for at in (0, -1)]
        line = photo.truth.to_image(ends).tolist()
        segments.append({"lead": trace.lead, "row": own.row, "rhythm": own.rhythm, "zero": "pulse",
                         "start_s": trace.start / 500, "stop_s": trace.stop / 500, "line_px": line})  # fmt: skip
    report = {"layout": "3x4", "order": "sure", "confidence": 0.99, "gain_mm_mv": 10.0, "speed_mm_s": 25.0, "px_per_mm": px,
              "checks": {"einthoven": 0.01}, "flags": [PAYLOAD], "segments": segments}  # fmt: skip
    (out / "p.json").write_bytes(orjson.dumps(report))
    write_record(out / "p", record)
    line = {
        "source": "../in/p.png",
        "page": 0,
        "record": "p",
        "bytes": {},
        "layout": "3x4",
        "order": "sure",
        "confidence": 0.99,
        "read": 1.0,
    }
    (out / DIGITIZED).write_bytes(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    return out


def test_the_command_writes_a_page_that_stands_alone(digitised):
    result = CliRunner().invoke(app, ["review", str(digitised)])
    assert result.exit_code == 0, result.output
    assert "review.html (1 pictures)" in result.stdout.replace("\n", "")
    page = (digitised / "review.html").read_text()
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", page)
    assert "default-src 'none'" in page
    assert "</script><script>document" not in page


def test_what_is_not_there_is_said(tmp_path, digitised):
    with pytest.raises(FastecgError, match=r"no digitized\.jsonl in it"):
        review_folder(tmp_path)
    report = json.loads((digitised / "p.json").read_text())
    del report["segments"][0]["line_px"]
    (digitised / "p.json").write_text(json.dumps(report))
    with pytest.raises(FastecgError, match="a segment of a report is damaged"):
        review_folder(digitised)
    del report["segments"]
    (digitised / "p.json").write_text(json.dumps(report))
    assert "no segments to correct" in review_folder(digitised)[0].read_text()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{" + b" " * (64 << 20) + b"}", "longer than 64 MiB"),
        (b"[" * 5000, "cannot be read"),
        (b"[]", "holds no table"),
        (b'{"segments": {"I": 1}}', "segments or flags are no list"),
        (b'{"flags": 5}', "segments or flags are no list"),
        (b'{"segments": [' + b"0," * 200 + b"0]}", "has 201 segments, expected at most 200"),
        (None, "a pipe or a device"),
    ],
    ids=["long", "deep", "list", "segments", "flags", "many", "pipe"],
)
def test_reports_that_are_too_much(digitised, content, told):
    (digitised / "p.json").unlink()
    if content is None:
        os.mkfifo(digitised / "p.json")
    else:
        (digitised / "p.json").write_bytes(content)
    with pytest.raises(FastecgError, match=told):
        review_folder(digitised)


@pytest.mark.parametrize("number", ["1e300", "-1e300", '"x"', "[]", "null", "1" + "0" * 400])
@pytest.mark.parametrize("key", ["row", "start_s", "line_px"])
def test_numbers_that_no_page_has_are_named(digitised, key, number):
    report = json.loads((digitised / "p.json").read_text())
    report["segments"][0][key] = "NUMBER" if key != "line_px" else [["NUMBER", 0], [9, 9]]
    (digitised / "p.json").write_text(json.dumps(report).replace('"NUMBER"', number))
    with pytest.raises(FastecgError, match=r"a segment of a report is damaged|cannot be read"):
        review_folder(digitised)


@pytest.fixture
def poisoned(digitised, tmp_path) -> Path:
    """The page of pictures whose reports, lines of the manifest and names hold scripts, all that are not refused."""
    report = json.loads((digitised / "p.json").read_text())
    line = json.loads((digitised / DIGITIZED).read_text())
    report["segments"] = report["segments"][:1]
    Image.open(tmp_path / "in" / "p.png").resize((110, 85)).save(tmp_path / "in" / "p.png")
    name = re.sub("[/\0]", "", PAYLOAD)
    changed = [(with_payload(report, *place), line) for place in fields(report)]
    changed += [(report, with_payload(line, *place)) for place in fields(line)]
    kept, refused = [], 0
    for number, (told, listed) in enumerate([*changed, (report, line)]):
        stem = name if number == len(changed) else f"p{number}"
        if isinstance(listed, dict):  # each with files of its own
            own = {"source": f"../in/{stem}.png", "record": stem}
            listed = {key: own.get(key, value) if value == line.get(key) else value for key, value in listed.items()}
        os.link(tmp_path / "in" / "p.png", tmp_path / "in" / f"{stem}.png")
        for suffix in (".hea", ".dat"):
            os.link(digitised / f"p{suffix}", digitised / f"{stem}{suffix}")
        (digitised / f"{stem}.json").write_bytes(orjson.dumps(told))
        (digitised / DIGITIZED).write_bytes(orjson.dumps(listed))
        try:
            review_folder(digitised)
            kept.append(listed)
        except FastecgError:
            refused += 1
    assert refused > 10  # numbers that are none
    (digitised / DIGITIZED).write_bytes(b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in kept))
    page, shown, found = review_folder(digitised, limit=1000)
    assert shown == found > 20
    return page


def test_no_field_of_a_folder_becomes_part_of_the_page(poisoned):
    empty = (Path(review.__file__).parent / "review.html").read_text()
    assert Tags(poisoned.read_text()).found - Tags(empty).found == {("meta", "content", "http-equiv")}


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_no_field_of_a_folder_runs_in_a_browser(poisoned, tmp_path):
    bare = tmp_path / "bare.html"
    bare.write_text(without_policy(poisoned.read_text()))
    for page in (poisoned, bare):
        found = browsed(page)
        assert "<title>fastecg: what was digitised</title>" in found
        assert found.count("<article>") > 20, "and the page's own script ran"


@pytest.fixture
def browser():
    api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium")
    with api.sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


def drag(page, kind, segment, end, dx, dy):
    """Drag a 0 mV line, or the boundary at an end of a segment, by so many px of the picture."""
    scale = page.evaluate("document.querySelector('svg').getScreenCTM().a")  # px on screen a px of the picture
    x, y = page.evaluate(
        """([kind, segment, end]) => {
            const grip = document.querySelector(`.grip[data-kind="${kind}"][data-segment="${segment}"][data-end="${end}"]`);
            const part = grip.getPointAtLength(grip.getTotalLength() * (kind == "zero" ? 0.5 : 0.15));
            const at = part.matrixTransform(grip.getScreenCTM());
            return [at.x, at.y];
        }""",
        [kind, segment, end],
    )
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx * scale / 2, y + dy * scale / 2)
    page.mouse.move(x + dx * scale, y + dy * scale)
    page.mouse.up()


def download(page, folder) -> Path:
    with page.expect_download() as waiting:
        page.get_by_text("download the corrected page").click()
    waiting.value.save_as(folder / "p.page.json")
    assert waiting.value.suggested_filename == "p.page.json"
    return folder / "p.page.json"


def test_dragging_corrects_a_page(digitised, browser, tmp_path):
    before = json.loads((digitised / "p.json").read_text())["segments"]
    page = browser.new_page(viewport={"width": 1400, "height": 1400})
    faults = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.goto((review_folder(digitised)[0]).as_uri())
    assert page.title() == "fastecg: what was digitised"
    assert "onerror" in page.locator("li").nth(1).inner_text()  # the flag is text, and did not run
    drag(page, "zero", 0, "", 3, 7)  # downwards by 7 px; along the line nothing moves
    drag(page, "edge", 0, 1, 12, 2)  # the boundary of the first and the next column
    page.locator('select[data-segment="4"]').select_option("V6")
    download(page, tmp_path)
    assert not faults
    told = json.loads((tmp_path / "p.page.json").read_text())
    after = told["segments"]
    assert (told["schema"], told["picture"], told["layout"]) == (1, "p.png", "3x4")
    moved = np.array(after[0]["line_px"]) - before[0]["line_px"]
    np.testing.assert_allclose(moved, [[0, 7], [12, 7]], atol=0.6)
    length = before[0]["line_px"][1][0] - before[0]["line_px"][0][0]
    seconds = 12 / length * 2.5
    assert after[0]["stop_s"] - before[0]["stop_s"] == pytest.approx(seconds, abs=0.01)
    beside = [abs(one["line_px"][0][0] - before[0]["line_px"][1][0]) + 1e3 * one["row"] for one in before]
    neighbour = int(np.argmin(beside))
    np.testing.assert_allclose(np.array(after[neighbour]["line_px"]) - before[neighbour]["line_px"], [[12, 0], [0, 0]], atol=0.6)
    assert after[neighbour]["start_s"] - before[neighbour]["start_s"] == pytest.approx(seconds, abs=0.01)
    assert after[4]["lead"] == "V6"
    others = [k for k in range(12) if k not in (0, 4, neighbour)]
    assert all(after[k]["line_px"] == before[k]["line_px"] for k in others)


def test_the_traces_lie_on_the_ink(digitised, browser):
    """The page draws the record over the picture: what it draws is where the truth has it."""
    record = fastecg.simulate("sinus", seed=1, name="p")
    photo = fastecg.render(record, recipe="clean", layout="3x4", dpi=100, seed=1)
    page = browser.new_page()
    page.goto((review_folder(digitised)[0]).as_uri())
    path = page.locator("path.trace").first.get_attribute("d")
    drawn = np.array(re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path), dtype=float)
    true = photo.truth.traces[0].points
    heights = np.interp(true[:, 0], drawn[:, 0], drawn[:, 1])
    assert np.abs(heights - true[:, 1]).mean() < 0.6


def test_a_corrected_page_is_read_again(browser, tmp_path):
    """A picture, read; corrected in the browser; read again with what the browser gave: what was dragged has moved, nothing else."""
    pytest.importorskip("onnxruntime")
    photo = fastecg.render(fastecg.simulate("sinus", seed=1, name="p"), recipe="clean", layout="3x4", dpi=150, seed=1)
    photo.save(tmp_path / "p.png")
    out = tmp_path / "out"

    def run(*words):
        patient = ("--workers", "1", "--timeout", "3600")
        result = CliRunner().invoke(app, ["digitize", str(tmp_path / "p.png"), "-o", str(out), *patient, *map(str, words)])
        assert result.exit_code == 0, result.output
        return json.loads((out / "p.json").read_text()), fastecg.read_record(out / "p")

    def signal(report, record, k):
        segment = report["segments"][k]
        start, stop = (round(segment[end] * 500) for end in ("start_s", "stop_s"))
        return record.lead(segment["lead"])[start:stop]

    def seconds(report, k):
        return report["segments"][k]["stop_s"] - report["segments"][k]["start_s"]

    report, before = run()
    assert report["layout"] == "3x4"
    page = browser.new_page(viewport={"width": 1800, "height": 1400})
    page.goto(review_folder(out)[0].as_uri())
    drag(page, "zero", 0, "", 0, 12)  # downwards
    drag(page, "edge", 0, 1, -20, 0)  # to the left: the next lead begins earlier
    told, after = run("--page", download(page, tmp_path))
    assert [item["lead"] for item in told["segments"]] == [item["lead"] for item in report["segments"]]
    assert {item["zero"] for item in told["segments"]} == {"page"}
    px_per_mm = photo.truth.px_per_mm()
    longer = [seconds(told, k) - seconds(report, k) for k in range(12)]
    (neighbour,) = [k for k in range(12) if longer[k] > 0.01]
    assert report["segments"][neighbour]["row"] == report["segments"][0]["row"]
    assert longer[neighbour] == pytest.approx(20 / px_per_mm / 25, abs=0.01)
    assert longer[0] == pytest.approx(-longer[neighbour], abs=0.005)
    kept = len(signal(told, after, 0)) - 25  # the end is not the same: a fit looks at what follows
    change = signal(told, after, 0)[:kept] - signal(report, before, 0)[:kept]
    assert np.nanmedian(change) == pytest.approx(12 / px_per_mm / 10, abs=0.01)
    for k in set(range(12)) - {0, neighbour}:
        both = np.stack([signal(told, after, k), signal(report, before, k)])
        assert np.isfinite(both).all(axis=0).mean() > 0.95
        assert np.nanmedian(np.abs(both[0] - both[1])) < 0.01
    assert run()[0] == told  # the same run without the corrected page does not undo it
