"""The network: what it is taught, how it is trained for a few steps, exported, and run."""

import json
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

import fastecg
from fastecg.digitizing.targets import MAPS, MARKERS, SCALE, whole_window, windows


@pytest.fixture(scope="module")
def photo():
    return fastecg.render(fastecg.simulate("sinus", seed=2, noise=0.0), recipe="photo", layout="3x4+1", style="muse", severity=0.3, seed=2)


def test_windows_show_where_the_traces_are(photo):
    shown = list(windows(photo, np.random.default_rng(1), 8, 128))
    assert len(shown) == 8
    for window in shown:
        assert window.image.shape == (128, 128, 3)
        assert window.maps.shape == (len(MAPS), 128, 128)
        assert window.markers.shape == (32, 32)
        assert window.markers.max() < len(MARKERS)
    # Where the map has a trace, the picture is darker than its surroundings.
    dark = [
        window.image[window.maps[0] > 200].mean() - np.median(window.image[window.maps[0] == 0])
        for window in shown
        if (window.maps[0] > 200).any()
    ]
    assert dark
    assert np.mean(dark) < -20


def test_thin_traces_lie_on_the_truth(photo):
    window = whole_window(photo)
    zoom = SCALE / photo.warp.scale
    ink = window.maps[0].astype(float)
    trace = next(trace for trace in photo.truth.traces if trace.lead == "II" and trace.visible.all())
    points = (trace.points + 0.5) * zoom - 0.5
    flat = np.abs(np.gradient(points[:, 1])) < 0.05
    off = []
    for x, y in points[flat][::3]:
        column = ink[round(y) - 3 : round(y) + 4, round(x)]
        off.append((column * np.arange(round(y) - 3, round(y) + 4)).sum() / column.sum() - y)
    assert len(off) > 50
    assert abs(np.median(off)) < 0.05, "px"


def test_names_of_leads_are_marked(photo):
    window = whole_window(photo)
    assert set(np.unique(window.markers)) >= set(range(13))


needs_torch = pytest.mark.skipif(find_spec("torch") is None or find_spec("onnx") is None, reason="training needs PyTorch and onnx")


@needs_torch
def test_training_learns_resumes_and_exports(tmp_path):
    import torch

    from fastecg.digitizing.layernet import export_layernet, load_layernet
    from fastecg.digitizing.segmenter import LayerSegmenter
    from fastecg.digitizing.train import Pages, TrainConfig, Trainer, curves

    course = TrainConfig(hours=1.0, width=4, batch=2, size=64, simulated=1.0)
    batches = [batch for _, batch in zip(range(4), Pages([], course), strict=False)]
    trainer = Trainer(course, tmp_path)
    losses = [sum(trainer.step(batches[k % 2]).values()) for k in range(30)]
    assert np.mean(losses[-4:]) < 0.95 * np.mean(losses[:4]), losses
    trainer.seconds = 12.0
    trainer.save()
    again = Trainer(course, tmp_path)
    assert (again.steps, again.seconds) == (30, 12.0)
    assert again.validate(batches) == trainer.validate(batches)

    export_layernet(trainer.checkpoint, tmp_path / "net.onnx")
    picture = np.random.default_rng(0).integers(0, 256, (96, 160, 3), dtype=np.uint8)
    layers = LayerSegmenter(tmp_path / "net.onnx", threads=1).separate(picture, 1.0)
    with torch.no_grad():
        maps, markers = load_layernet(trainer.checkpoint)(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255)
    assert np.abs(layers.maps - torch.sigmoid(maps)[0].numpy()).max() < 1e-4
    assert np.abs(layers.markers - torch.softmax(markers, dim=1)[0].numpy()).max() < 1e-4

    (tmp_path / "log.jsonl").write_text(
        "".join(
            json.dumps({"windows": 100 * k, "train": trainer.validate(batches), "validation": trainer.validate(batches)}) + "\n"
            for k in (1, 2)
        )
    )
    pytest.importorskip("matplotlib")
    assert curves(tmp_path).stat().st_size > 5000


@needs_torch
def test_bands_of_a_tall_picture_fit_together(tmp_path):
    from fastecg.digitizing.layernet import export_layernet
    from fastecg.digitizing.segmenter import LayerSegmenter
    from fastecg.digitizing.train import TrainConfig, Trainer

    trainer = Trainer(TrainConfig(width=4), tmp_path)
    trainer.save()
    export_layernet(trainer.checkpoint, tmp_path / "net.onnx")
    picture = np.random.default_rng(0).integers(0, 256, (800, 96, 3), dtype=np.uint8)
    network = LayerSegmenter(tmp_path / "net.onnx", threads=1)
    whole, upper = network.separate(picture, 1.0), network.separate(picture[:704], 1.0)
    assert whole.maps.shape == (len(MAPS), 800, 96)
    # The seam lies at 640 px: what is seen there does not depend on where the picture ends.
    assert np.abs(whole.maps[:, :600] - upper.maps[:, :600]).max() < 1e-3


@needs_torch
def test_an_exported_network_is_taught_further(tmp_path):
    import torch

    from fastecg.digitizing.layernet import export_layernet, read_layernet
    from fastecg.digitizing.segmenter import WEIGHTS, LayerSegmenter
    from fastecg.digitizing.train import Pages, TrainConfig, Trainer

    picture = np.random.default_rng(0).integers(0, 256, (96, 160, 3), dtype=np.uint8)
    shipped = LayerSegmenter(WEIGHTS, threads=1).separate(picture, 1.0)
    with torch.no_grad():
        maps, markers = read_layernet(WEIGHTS).eval()(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255)
    assert np.abs(shipped.maps - torch.sigmoid(maps)[0].numpy()).max() < 1e-4
    assert np.abs(shipped.markers - torch.softmax(markers, dim=1)[0].numpy()).max() < 1e-4

    course = TrainConfig(batch=2, size=64, simulated=1.0, start=WEIGHTS)
    trainer = Trainer(course, tmp_path)
    trainer.step(next(iter(Pages([], course))))
    trainer.save()
    export_layernet(trainer.checkpoint, tmp_path / "net.onnx")
    taught = LayerSegmenter(tmp_path / "net.onnx", threads=1).separate(picture, 1.0)
    assert 0 < np.abs(taught.maps - shipped.maps).max() < 0.2
    with pytest.raises(fastecg.FastecgError, match="began otherwise"):
        Trainer(TrainConfig(), tmp_path)
    with pytest.raises(fastecg.FastecgError, match="cannot be trained further"):
        read_layernet(tmp_path / "layernet.pt")


@pytest.mark.parametrize("seed", range(6))
def test_pages_of_other_hands_are_drawn_where_their_truth_is(seed):
    from fastecg.digitizing.other_hands import other_hand
    from fastecg.recipe import Recipe

    record, rng = fastecg.simulate("sinus", seed=seed, noise=0.0), np.random.default_rng(seed)
    shot = Recipe.load("clean").sample(record, seed=seed, layout="3x4+1")
    placed = shot.placed(record)
    page, style = other_hand(*placed, rng)
    other = shot.picture(record, page, style)
    assert [trace.lead for trace in page.traces] == [trace.lead for trace in placed[0].traces]
    contrast = []
    for trace in other.truth.traces:
        samples = record.lead(trace.lead)[trace.start : trace.stop]
        drawn = (trace.trace.baseline_mm - trace.trace.points_mm[:, 1]) / trace.trace.gain_mm_mv
        assert np.abs(drawn - samples).max() < 1e-5
        flat = trace.visible & (np.abs(np.gradient(trace.points[:, 1])) < 0.05)
        x, y = np.rint(trace.points[flat]).astype(int).T
        far = np.minimum(y + 8, other.image.shape[0] - 1)
        contrast.append(other.image[far, x].mean() - other.image[y, x].mean())
    assert np.mean(contrast) > 30
    for box in (box for box in other.truth.boxes if box.kind == "lead_name"):
        assert other.page.traces[box.trace].lead.upper() == box.words.upper().replace(" ", "")


@needs_torch
def test_a_folder_with_another_width_is_refused(tmp_path):
    from fastecg.digitizing.train import TrainConfig, Trainer

    Trainer(TrainConfig(width=4), tmp_path).save()
    with pytest.raises(fastecg.FastecgError, match="expected 6"):
        Trainer(TrainConfig(width=6), tmp_path)


@pytest.mark.parametrize("most", [0, 10**9])
def test_memory_of_a_large_picture_is_given_back_after_its_last_band(most, monkeypatch):
    """It is a third of what a picture as large as A3 takes."""
    from fastecg.digitizing import segmenter

    network, asked = segmenter.LayerSegmenter(), []
    run = network._session.run
    monkeypatch.setattr(segmenter, "_RELEASED", most)
    monkeypatch.setattr(network, "_session", SimpleNamespace(run=lambda *given: asked.append(given[2]) or run(*given)))
    layers = network.separate(np.zeros((1400, 64, 3), np.uint8), 1.0)
    assert layers.maps.shape == (len(MAPS), 1400, 64)
    assert [told is not None for told in asked] == [False, False, most == 0]
    if most == 0:
        assert asked[-1].get_run_config_entry("memory.enable_memory_arena_shrinkage") == "cpu:0"
