"""The fused pass against its naive twin, at edges, on any number of threads and any processor."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import textwrap

import naive_sample
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastecg.errors import ImageError
from fastecg.expose import COARSEST, LARGEST, Noise, _at_picture_scale, _cells_needed, _checked, _sheet_pixels_per_pixel, expose

SIZE = (117, 163)
ROWS, COLS = 16, 22


def lattice(rows: int = ROWS, cols: int = COLS) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:rows, :cols] * 8.0
    return x, y


def paper(height: int = 130, width: int = 180, seed: int = 1) -> np.ndarray:
    """Soft random colours, so that a sampling error of a pixel shows as a large difference."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (height + 4, width + 4, 3)).astype(float)
    soft = sum(noise[i : i + height, j : j + width] for i in range(4) for j in range(4)) / 16
    return np.clip((soft - 128) * 3 + 128, 0, 255).astype(np.uint8)


def ones(rows: int = ROWS, cols: int = COLS) -> np.ndarray:
    return np.ones((rows, cols), dtype=np.float32)


def turned(angle: float, scale: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    x, y = lattice()
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.stack([c * x - s * y + shift[0], s * x + c * y + shift[1]], axis=-1)


def waved(amplitude: float) -> np.ndarray:
    x, y = lattice()
    return np.stack([x + amplitude * np.sin(y / 17), y + amplitude * np.cos(x / 23)], axis=-1)


MESHES = {
    "identity": turned(0),
    "quarter pixel": turned(0, shift=(0.25, -0.25)),
    "turned": turned(0.05, shift=(6, 2)),
    "upside down": turned(np.pi, shift=(165.3, 119.2)),
    "enlarged": turned(-0.3, scale=0.4, shift=(10, 60)),
    "waves": waved(5),
    "page small on the desk": turned(0.1, scale=1.28, shift=(-20, -30)),
    "desk only": turned(0, shift=(400, 0)),
}


@pytest.mark.parametrize("name", MESHES)
@pytest.mark.parametrize("desk", ["plain", "picture"])
def test_equals_naive_twin(name: str, desk: str) -> None:
    rng = np.random.default_rng(5)
    sheet, nodes = paper(), MESHES[name]
    gain = rng.uniform(0.1, 1.2, (ROWS, COLS, 3)).astype(np.float32)
    desk_gain = rng.uniform(0.1, 1.9, (ROWS, COLS)).astype(np.float32)
    lift, desk_lift = rng.uniform(0, 60, (2, ROWS, COLS)).astype(np.float32)
    background = (200, 90, 10) if desk == "plain" else paper(*SIZE, seed=2)
    drawn = expose(sheet, nodes, gain, SIZE, desk_gain=desk_gain, lift=lift, desk_lift=desk_lift, background=background)
    exact = naive_sample.expose(sheet, nodes, gain, SIZE, desk_gain=desk_gain, lift=lift, desk_lift=desk_lift, background=background)
    error = drawn - exact
    assert np.abs(error).max() < 0.6  # half a level is rounding
    assert abs(error.mean()) < 0.02


def test_the_veil_lies_over_the_background_unless_that_has_one_of_its_own() -> None:
    veil = np.full((ROWS, COLS), 30, dtype=np.float32)
    given = {"lift": veil, "background": (200, 90, 10)}
    drawn = expose(paper(), MESHES["desk only"], ones(), SIZE, desk_gain=ones() / 2, **given)
    assert np.unique(drawn.reshape(-1, 3), axis=0).tolist() == [[130, 75, 35]]
    own = expose(paper(), MESHES["desk only"], ones(), SIZE, desk_gain=ones() / 2, desk_lift=np.zeros_like(veil), **given)
    assert np.unique(own.reshape(-1, 3), axis=0).tolist() == [[100, 45, 5]]


def test_identity_is_exact() -> None:
    sheet = paper(*SIZE)
    np.testing.assert_array_equal(expose(sheet, MESHES["identity"], ones(), SIZE), sheet)


def test_strong_light_saturates() -> None:
    sheet = paper()
    drawn = expose(sheet, MESHES["turned"], ones() * np.float32(1.9), SIZE, lift=ones() * np.float32(250), noise=Noise(0, 16, 16))
    assert drawn.min() > 130
    assert (drawn == 255).mean() > 0.5


@pytest.mark.parametrize("origin", [(0, 0), (-3, -5), (-8, -1), (-17, -30)])
def test_nodes_may_start_outside(origin: tuple[int, int]) -> None:
    sheet, nodes = paper(), turned(0.05, shift=(-12, 9))
    size = (85, 140)
    background = paper(*size, seed=3)
    drawn = expose(sheet, nodes, ones(), size, origin=origin, background=background)
    exact = naive_sample.expose(sheet, nodes, ones(), size, origin=origin, background=background)
    assert np.abs(drawn - exact).max() < 0.6


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (8, 8), (9, 17), (121, 169)])
@pytest.mark.parametrize("sheet_size", [(1, 1), (1, 9), (2, 2), (3, 4), (130, 180)])
def test_small_and_odd_sizes(size: tuple[int, int], sheet_size: tuple[int, int]) -> None:
    sheet, nodes = paper(*sheet_size), turned(0.02, shift=(0.3, -0.4))
    drawn = expose(sheet, nodes, ones(), size, background=(9, 99, 199))
    exact = naive_sample.expose(sheet, nodes, ones(), size, background=(9, 99, 199))
    assert np.abs(drawn - exact).max() < 0.6


@pytest.mark.parametrize("name", ["identity", "quarter pixel", "turned", "enlarged"])
def test_coordinates_are_unbiased(name: str) -> None:
    """Round dots on the sheet must appear where the bilinear cells say, measured by their centre of mass."""
    y, x = np.mgrid[:130, :180]
    dots = 255 * np.exp(-(((x % 20) - 10.0) ** 2 + ((y % 20) - 10.0) ** 2) / (2 * 1.6**2))
    sheet = np.repeat(np.rint(dots)[..., None], 3, axis=2).astype(np.uint8)
    nodes = MESHES[name]
    drawn = expose(sheet, nodes, ones(), SIZE).astype(float)[..., 0]
    points = naive_sample.coordinates(nodes, SIZE)
    offsets = []
    for cx, cy in [(cx, cy) for cx in range(30, 150, 20) for cy in range(30, 110, 20)]:
        weight = np.where(np.hypot(points[..., 0] - cx, points[..., 1] - cy) < 8, drawn, 0.0)
        if weight[1:-1, 1:-1].sum() == weight.sum() > 1000:
            offsets.append([(weight * (points[..., axis] - centre)).sum() / weight.sum() for axis, centre in ((0, cx), (1, cy))])
    offsets = np.array(offsets)
    assert len(offsets) >= 4
    assert np.abs(offsets).max() < 0.02
    assert np.abs(offsets.mean(axis=0)).max() < 0.005


def test_page_edge_is_antialiased() -> None:
    """The white that shows over a slanting edge adds up to the area of the page."""
    white = np.full((60, 80, 3), 255, dtype=np.uint8)
    nodes = turned(0.13, shift=(-40.3, -29.7))
    drawn = expose(white, nodes, ones(), SIZE)
    assert drawn.sum() / 3 / 255 == pytest.approx(60 * 80, rel=1e-3)
    assert len(np.unique(drawn)) > 100


def test_every_thread_count_gives_the_same_bytes() -> None:
    pictures = [
        expose(paper(), MESHES["turned"], ones(), SIZE, noise=Noise(4, 2, 3, 0.5), background=(5, 6, 7), threads=n) for n in (1, 2, 3, 64)
    ]
    assert all((picture == pictures[0]).all() for picture in pictures)


SCENE = """
    import hashlib, numpy as np
    from test_expose import MESHES, SIZE, ROWS, COLS, paper
    from fastecg.expose import Noise, expose
    rng = np.random.default_rng(8)
    gain = rng.uniform(0.2, 1.9, (ROWS, COLS, 3)).astype(np.float32)
    lift = rng.uniform(0, 80, (ROWS, COLS)).astype(np.float32)
    digest = hashlib.sha256()
    for nodes in MESHES.values():
        digest.update(expose(paper(), nodes, gain, SIZE, lift=lift, noise=Noise(3, 2, 4, 0.4), background=(90, 60, 30)))
    print(digest.hexdigest())
"""


def run(script: str, **environment: str) -> str:
    places = os.pathsep.join(path for path in (os.path.dirname(__file__), os.getcwd(), *sys.path) if path)
    settings = {**os.environ, "PYTHONPATH": places, **environment}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the targets are of x86")
def test_every_processor_gives_the_same_bytes() -> None:
    native = run(SCENE)
    for target in ("generic", "haswell"):
        assert run(SCENE, NUMBA_CPU_NAME=target, NUMBA_CPU_FEATURES="") == native, target


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs mprotect")
def test_reads_nothing_beyond_its_arrays() -> None:
    """The sheet and the desk lie right before a forbidden page of memory: one byte too far ends the process."""
    script = """
        import ctypes, mmap, numpy as np
        from test_expose import ROWS, COLS, ones, paper, turned, waved
        from fastecg.expose import Noise, expose
        kept = []
        def guarded(image):
            pages = -(-image.nbytes // mmap.PAGESIZE)
            memory = mmap.mmap(-1, (pages + 2) * mmap.PAGESIZE)
            start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
            for page in (0, pages + 1):
                assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(start + page * mmap.PAGESIZE), mmap.PAGESIZE, 0) == 0
            kept.append(memory)
            array = np.frombuffer(memory, np.uint8, image.nbytes, (pages + 1) * mmap.PAGESIZE - image.nbytes).reshape(image.shape)
            array[...] = image
            return array
        for height, width in [(1, 1), (2, 3), (50, 41), (113, 157), (117, 163)]:
            sheet = guarded(paper(height, width))
            for size in [(1, 1), (57, 85), (113, 157)]:
                for nodes in [turned(0), turned(0, shift=(.9, .9)), turned(.02), turned(-.02), turned(np.pi, shift=(width - 1, height - 1)),
                              waved(3), turned(0, .05, (width - 3.2, height - 3.2)), turned(0, shift=(500, 0)), turned(0.02, 2.2)]:
                    desk, out = guarded(paper(*size)), guarded(paper(*size))
                    expose(sheet, nodes, ones(), size, noise=Noise(1, 2, 3, .4), background=desk, out=out)
        print("alive")
        import os, sys
        sys.stdout.flush()
        os._exit(0)
    """
    assert run(script) == "alive"


WILD = st.one_of(st.floats(-300, 300), st.floats(), st.sampled_from([0.0, 179.0, 178.0, 177.0, 129.0, 128.0, 1e9, 32767.0]))


@given(st.data())
def test_any_mesh_is_survived(data: st.DataObject) -> None:
    height, width = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    rows, cols = -(-height // 8) + 1, -(-width // 8) + 1
    values = data.draw(st.lists(WILD, min_size=12, max_size=12))
    nodes = np.resize(np.array(values), (rows, cols, 2))
    gain = np.resize(np.array(data.draw(st.lists(st.floats(width=32), min_size=5, max_size=5)), dtype=np.float32), (rows, cols))
    buffer = np.full((height + 8, width, 3), 77, dtype=np.uint8)
    drawn = expose(paper(), nodes, gain, (height, width), lift=gain, noise=Noise(1, 3, 3, 1), out=buffer[4:-4])
    again = expose(paper(), nodes, gain, (height, width), lift=gain, noise=Noise(1, 3, 3, 1), threads=2)
    assert (drawn == again).all()
    assert (buffer[:4] == 77).all()
    assert (buffer[-4:] == 77).all()


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 6.0))
def test_random_meshes_equal_naive_twin(seed: int, roughness: float) -> None:
    rng = np.random.default_rng(seed)
    nodes = turned(rng.uniform(-np.pi, np.pi), rng.uniform(0.3, 1.2), (90, 65)) + rng.normal(0, roughness, (ROWS, COLS, 2))
    if np.median(np.abs(np.diff(nodes, axis=1)).sum(axis=2)) > 12:
        return  # so fine that the sheet would be halved
    drawn = expose(paper(), nodes, ones(), SIZE, background=(255, 0, 128))
    exact = naive_sample.expose(paper(), nodes, ones(), SIZE, background=(255, 0, 128))
    assert np.abs(drawn - exact).max() < 0.6


def test_cells_with_a_lost_node_show_the_background() -> None:
    nodes = MESHES["identity"].copy()
    nodes[4, 5] = np.nan
    drawn = expose(paper(), nodes, ones(), SIZE, background=(1, 2, 3))
    hole = np.zeros(SIZE, dtype=bool)
    hole[24:40, 32:48] = True
    assert (drawn[hole] == (1, 2, 3)).all()
    np.testing.assert_array_equal(drawn[~hole], paper()[: SIZE[0], : SIZE[1]][~hole])


@pytest.mark.parametrize("ratio", [1.7, 2.6, 3.9])
def test_fine_grid_does_not_alias(ratio: float) -> None:
    """Hairlines of a sheet finer than the picture keep their weight, wherever they fall between its pixels."""
    x = np.arange(700.0)[None].repeat(500, axis=0)
    line = 1 - np.clip(np.abs((x + 11.3 * ratio / 2) % (11.3 * ratio) - 11.3 * ratio / 2) - 0.1, 0, 1)
    sheet = np.repeat((255 - 200 * line)[..., None], 3, axis=2).astype(np.uint8)
    drawn = 255.0 - expose(sheet, turned(0, scale=ratio), ones(), SIZE)[:, :, 0].mean(axis=0)
    # Weight around each line: a window that moves by one period holds one line.
    weights = [drawn[round(11.3 * k + 5.65) : round(11.3 * (k + 1) + 5.65)].sum() for k in range(1, 12)]
    assert np.std(weights) / np.mean(weights) < 0.06


@pytest.mark.parametrize("size", [(1, 1), (4, 6), (5, 7), (64, 33)])
def test_halved_equals_naive_twin(size: tuple[int, int]) -> None:
    from fastecg.kernels.sample import halve

    image = paper(*size)
    out = np.empty((-(-size[0] // 2), -(-size[1] // 2), 3), dtype=np.uint8)
    halve(image, out)
    np.testing.assert_array_equal(out, naive_sample.halve(image))


def grey(level: int, noise: Noise, size: tuple[int, int] = (256, 256)) -> np.ndarray:
    """A plain sheet with noise, less its mean: (height, width, 3) float64."""
    x, y = lattice(33, 33)
    sheet = np.full((270, 270, 3), level, dtype=np.uint8)
    drawn = expose(sheet, np.stack([x, y], axis=-1), ones(33, 33), size, noise=noise).astype(float)
    assert abs(drawn.mean() - level) < 0.03 + 4 * drawn.std() / np.sqrt(drawn[..., 0].size / 4)
    return drawn - drawn.mean()


@pytest.mark.parametrize(("read", "shot"), [(2.0, 0.0), (2.0, 6.0), (1.0, 3.0), (4.0, 12.0)])
def test_noise_grows_with_light_as_told(read: float, shot: float) -> None:
    for level in (30, 80, 140, 200):
        spread = np.sqrt(read**2 + shot**2 * level / 255)
        drawn = grey(level, Noise(7, read, shot))
        assert drawn.std() == pytest.approx(np.hypot(spread, 0.29), rel=0.07)  # 0.29 is rounding


def test_chroma_noise_is_colour_in_blocks_of_four() -> None:
    drawn = grey(128, Noise(7, 6, 0, 1.0))
    blocks = drawn.reshape(128, 2, 128, 2, 3)
    np.testing.assert_allclose(blocks - blocks[:, :1, :, :1], 0, atol=1)
    assert abs(drawn.mean(axis=2)).max() <= 1
    assert drawn.std() == pytest.approx(6, rel=0.05)
    plain = grey(128, Noise(7, 6, 0, 0.0))
    np.testing.assert_allclose(plain - plain[..., :1], 0, atol=1e-9)
    mixed = grey(128, Noise(7, 6, 0, 0.5))
    assert mixed.std() == pytest.approx(6, rel=0.05)
    assert mixed.mean(axis=2).std() == pytest.approx(6 * np.sqrt(0.75), rel=0.05)


def test_noise_is_normal_and_does_not_repeat() -> None:
    drawn = grey(128, Noise(11, 6, 0))[..., 0]
    assert abs((drawn**4).mean() / drawn.var() ** 2 - 3) < 0.12
    assert abs((drawn**3).mean() / drawn.std() ** 3) < 0.05
    spectrum = np.abs(np.fft.fft2(drawn)) ** 2
    correlation = np.fft.ifft2(spectrum).real / spectrum.mean()
    correlation[0, 0] = 0
    assert np.abs(correlation).max() < 0.025  # five standard deviations of independent noise are 0.02


def test_noise_depends_on_the_seed_alone() -> None:
    first, same, other = (grey(128, Noise(seed, 6, 0)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert abs((first * other).mean() / first.var()) < 0.03
    huge, negative = grey(128, Noise(2**64 - 3, 6, 0)), grey(128, Noise(-5, 6, 0))
    assert (huge != negative).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sheet": paper().astype(np.float32)}, "sheet: expected uint8"),
        ({"sheet": paper()[..., 0]}, "sheet: expected uint8"),
        ({"sheet": np.zeros((0, 4, 3), np.uint8)}, "sheet: expected uint8"),
        ({"nodes": turned(0)[..., :1]}, "nodes: expected float64"),
        ({"nodes": turned(0)[:10]}, "nodes: expected to reach"),
        ({"gain": ones()[1:]}, "gain: expected float32"),
        ({"desk_gain": ones()[1:]}, "desk_gain: expected float32"),
        ({"lift": ones()[1:]}, "lift: expected float32"),
        ({"size": (0, 5)}, "expected 1 to"),
        ({"origin": (1, 0)}, "an origin not above 0"),
        ({"background": (0, 0, 300)}, "background: expected"),
        ({"background": (0, 0)}, "background: expected"),
        ({"background": (0, -1, 0)}, "background: expected"),
        ({"background": paper(5, 5)}, "background: expected uint8"),
        ({"out": paper(5, 5)}, "out: expected"),
    ],
)
def test_wrong_input_is_named(change: dict[str, object], message: str) -> None:
    right = {"sheet": paper(), "nodes": turned(0), "gain": ones(), "size": SIZE}
    with pytest.raises(ImageError, match=message):
        expose(**{**right, **change})  # type: ignore[arg-type]


def test_wrong_noise_is_named() -> None:
    with pytest.raises(ImageError, match="expected read and shot from 0 to 16"):
        Noise(1, read=17)


def test_input_is_not_changed_and_need_not_be_contiguous() -> None:
    sheet, nodes, gain = paper(), MESHES["waves"], ones()
    kept = sheet.copy(), nodes.copy(), gain.copy()
    straight = expose(sheet, nodes, gain, SIZE)
    for before, after in zip(kept, (sheet, nodes, gain), strict=True):
        np.testing.assert_array_equal(before, after)
    wide = np.repeat(sheet, 2, axis=1)[:, ::2]
    np.testing.assert_array_equal(expose(wide, np.asfortranarray(nodes), gain.astype(np.float64), SIZE), straight)


def test_the_background_may_be_written_over() -> None:
    nodes, desk, noise = MESHES["page small on the desk"], paper(*SIZE, seed=7), Noise(1, 2, 3, 0.4)
    drawn = expose(paper(), nodes, ones(), SIZE, background=desk.copy(), noise=noise)
    for threads in (1, 3):
        over = desk.copy()
        assert expose(paper(), nodes, ones(), SIZE, background=over, noise=noise, threads=threads, out=over) is over
        np.testing.assert_array_equal(over, drawn)
    assert (drawn != expose(paper(), nodes, ones(), SIZE, noise=noise)).any()  # some of it shows


@pytest.mark.parametrize("ratio", [1.0, 1.9, 2.0, 3.7, 6.3])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_fine_sheet_is_seen_where_it_is(ratio: float, axis: int) -> None:
    """A soft blot of a sheet that is halved once, twice or thrice lies where the mesh says: a halved pixel is in the middle of its two."""
    y, x = np.mgrid[:760, :1040].astype(float)
    spread, shift = 6 * ratio, (0.37, -0.21)
    centre = (ratio * 61.3 + shift[0], ratio * 47.8 + shift[1])
    blot = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * spread**2))
    sheet = np.repeat(np.rint(250 * blot)[..., None], 3, axis=2).astype(np.uint8)
    drawn = expose(sheet, turned(0, scale=ratio, shift=shift), ones(), SIZE)[..., 1].astype(float)
    profile = drawn.sum(axis=axis)
    assert np.average(np.arange(len(profile)), weights=profile) == pytest.approx((61.3, 47.8)[axis], abs=0.03)


@pytest.mark.parametrize(("ratio", "size"), [(0.99, (400, 500)), (1.01, (200, 250)), (1.99, (200, 250)), (2.01, (100, 125))])
def test_a_sheet_is_halved_only_while_it_is_finer_than_allowed(ratio: float, size: tuple[int, int]) -> None:
    """`ratio` is in units of the most that is allowed."""
    sheet, nodes = np.zeros((400, 500, 3), np.uint8), turned(0, scale=COARSEST * ratio)
    assert _at_picture_scale(sheet, nodes)[0].shape[:2] == size


def test_a_sheet_of_one_row_is_not_halved() -> None:
    assert _at_picture_scale(np.zeros((1, 500, 3), np.uint8), turned(0, scale=4.0))[0].shape == (1, 500, 3)


@pytest.mark.parametrize("side", ["left of", "above", "right of", "below"])
def test_how_fine_the_sheet_is_counts_where_it_is_seen(side: str) -> None:
    """Nodes that see what lies beside the sheet may run at any pace."""
    pace = 3.0
    x, y = (pace * values for values in lattice())
    along, origin = (
        (x, 336.0 if side == "left of" else 120.0) if side in ("left of", "right of") else (y, 240.0 if side == "above" else 96.0)
    )
    beside = along < origin if side in ("left of", "above") else along > origin
    moved = np.where(beside, origin + 0.2 * (along - origin), along)  # slow beside the sheet
    x, y = (moved, y) if side in ("left of", "right of") else (x, moved)
    x, y = x - origin * (side == "left of"), y - origin * (side == "above")
    shape = (round(origin) if side == "below" else 2000, round(origin) if side == "right of" else 2000)
    found = _sheet_pixels_per_pixel(np.zeros((*shape, 3), np.uint8), np.stack([x, y], axis=-1))
    assert found == pytest.approx(pace, rel=0.01)


def test_nodes_have_to_reach_the_last_pixel() -> None:
    nodes = np.zeros((3, 4, 2))
    assert _cells_needed(nodes, (16, 24), (0, 0)) == (2, 3)
    assert _cells_needed(nodes, (17, 25), (0, 0)) == (3, 4), "the last pixel on the last node"
    assert _cells_needed(nodes, (16, 9), (-1, -1)) == (3, 2)
    for size, origin in (((18, 25), (0, 0)), ((17, 26), (0, 0)), ((17, 25), (0, -1))):
        with pytest.raises(ImageError, match="expected to reach"):
            _cells_needed(nodes, size, origin)


def test_a_side_has_32760_pixels_at_most() -> None:
    assert _checked(np.zeros((LARGEST, 1, 3), np.uint8), "sheet", (None, None, 3), np.uint8).shape == (LARGEST, 1, 3)
    with pytest.raises(ImageError, match="at most 32760"):
        _checked(np.zeros((LARGEST + 1, 1, 3), np.uint8), "sheet", (None, None, 3), np.uint8)
