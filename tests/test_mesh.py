"""The one geometry: its kernels against slow twins, and forward and inverse of pages bent in every way there is."""

from dataclasses import replace
from zlib import crc32

import naive_mesh as naive
import numpy as np
import pytest
from compositions import RECIPES, RECORD, SLOTS, VIEWS, composed
from hypothesis import given
from hypothesis import strategies as st

import fastecg
from fastecg.artifacts import Curl, Wave
from fastecg.kernels.facets import add_facets, add_folding, add_pinches, facet_noise
from fastecg.kernels.hashing import mixed
from fastecg.kernels.invert import invert_lattice, lookup, lookup_plane, page_under_lattice
from fastecg.kernels.plane import sample_plane
from fastecg.kernels.shorten import foreshorten, remaining_shear
from fastecg.mesh import CELL, Mesh, Warp, _integral, lattice_shape, smallest_area
from fastecg.recipe import Recipe
from fastecg.views import Phone, Straight

LETTER = (279.4, 215.9)


def uneven(rows, columns, step, seed, amount=0.3):
    """A lattice with every node moved by up to `amount` of a step: (rows, columns, 2)."""
    rng = np.random.default_rng(seed)
    even = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1) * step
    return even + rng.uniform(-amount, amount, even.shape) * step


@pytest.mark.parametrize("seed", range(5))
def test_lookup_is_bilinear(seed):
    values = uneven(6, 9, 3.0, seed)
    points = np.random.default_rng(seed).uniform(-8, 30, (200, 2))
    points[7] = np.nan
    found = np.empty_like(points)
    lookup(points, values, (-1.0, 2.0), (2.0, 2.5), found)
    expected = [naive.bilinear(values, (x + 1) / 2, (y - 2) / 2.5) if np.isfinite(x) else [np.nan] * 2 for x, y in points]
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_a_plane_looked_up_is_bilinear(seed):
    values = np.random.default_rng(seed).uniform(-2, 2, (7, 10)).astype(np.float32)
    points = np.random.default_rng(seed).uniform(-8, 30, (200, 2))
    points[7, 1] = np.nan
    found = np.empty(len(points), dtype=np.float32)
    lookup_plane(points, values, (-1.0, 2.0), (2.0, 2.5), np.float32(0.5), found)
    pair = np.stack([values, values], axis=-1)
    expected = [naive.bilinear(pair, (x + 1) / 2, (y - 2) / 2.5)[0] if np.isfinite(y) else 0.5 for x, y in points]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_page_is_found_under_every_node(seed):
    mesh_px = uneven(12, 15, 7.0, seed) - 10
    nodes = np.full((12, 14, 2), np.nan)
    page_under_lattice(mesh_px, (-3.0, 4.0), (2.0, 1.5), CELL, nodes)
    for row in range(nodes.shape[0]):
        for column in range(nodes.shape[1]):
            found = naive.find_in_lattice(mesh_px, np.array([column - 1.0, row - 1.0]) * CELL)
            if found is None:
                assert np.isnan(nodes[row, column]).all()
            else:
                np.testing.assert_allclose(nodes[row, column], (2.0 * found[0] - 3.0, 1.5 * found[1] + 4.0), atol=1e-6)


def under_lattice(mesh_px, shape=(12, 14)):
    """What `page_under_lattice` finds, as mesh (column, row) of every node of a lattice, and that what it finds is seen there."""
    nodes = np.full((*shape, 2), np.nan)
    page_under_lattice(np.ascontiguousarray(mesh_px), (0.0, 0.0), (1.0, 1.0), CELL, nodes)
    for row, column in np.argwhere(np.isfinite(nodes[..., 0])).tolist():
        seen = naive.bilinear(mesh_px, *nodes[row, column])
        np.testing.assert_allclose(seen, ((column - 1.0) * CELL, (row - 1.0) * CELL), atol=1e-6)
    return nodes


@pytest.mark.parametrize("seed", range(4))
def test_no_node_is_lost_under_twisted_cells(seed):
    mesh_px = uneven(12, 15, 7.0, seed, 0.45) - 10
    nodes = under_lattice(mesh_px)
    for row in range(nodes.shape[0]):
        for column in range(nodes.shape[1]):
            found = naive.find_in_lattice(mesh_px, np.array([column - 1.0, row - 1.0]) * CELL)
            assert np.isnan(nodes[row, column, 0]) == (found is None), (row, column)


def test_cells_without_area_or_place_cost_themselves_alone():
    mesh_px = uneven(12, 15, 7.0, 0) - 10
    whole = under_lattice(mesh_px)
    mesh_px[:, 6] = mesh_px[:, 5]  # flat cells
    mesh_px[3, 11] = np.nan
    mesh_px[8, 2:4] = mesh_px[9, 2:4]
    some = under_lattice(mesh_px)
    cells = np.nan_to_num(whole, nan=-1.0).astype(int)
    column, row = cells[..., 0], cells[..., 1]
    untouched = (column >= 0) & ~np.isin(column, (4, 5, 6)) & ~(np.isin(column, (10, 11)) & np.isin(row, (2, 3)))
    untouched &= ~(np.isin(column, (1, 2, 3)) & np.isin(row, (7, 8, 9)))
    assert untouched.sum() > 40
    np.testing.assert_allclose(some[untouched], whole[untouched], atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_lattice_is_inverted(seed):
    nodes = uneven(9, 11, 1.0, seed, 0.25)
    points = np.random.default_rng(seed).uniform(0.5, 7.5, (60, 2))
    pixels = (points - 1) * CELL + 20.0  # a guess two cells off
    invert_lattice(points, nodes, CELL, pixels)
    for point, pixel in zip(points, pixels, strict=True):
        expected = (np.array(naive.find_in_lattice(nodes, point)) - 1) * CELL
        np.testing.assert_allclose(pixel, expected, atol=1e-5)


def test_smallest_area():
    nodes = uneven(7, 8, 2.0, 3, 0.6)
    assert smallest_area(nodes) == pytest.approx(naive.smallest_area(nodes))
    nodes[0, 0] = np.nan
    assert smallest_area(nodes) == pytest.approx(naive.smallest_area(nodes))


def test_facets_are_barycentric():
    table = np.random.default_rng(0).uniform(-1, 1, (40, 40))
    for x, y in np.random.default_rng(1).uniform(0, 20, (300, 2)):
        assert facet_noise(table, x, y) == pytest.approx(naive.facet_noise(lambda i, j: table[j, i], x, y), abs=1e-9)


@pytest.mark.parametrize("valleys", [False, True])
@pytest.mark.parametrize("cell", [3.6, 9.0, 41.0, 240.0])
def test_facets_are_moved_aside(cell, valleys):
    x, y = np.arange(-12.0, 60.5, 1.5), np.arange(-12.0, 40.5, 1.5)
    height = np.ones((len(y), len(x)))
    add_facets(height, x, y, cell, 2.5, valleys, 8)

    def at(k, u, v):
        return naive.facet_noise(lambda i, j: mixed(8 + k, i, j), u, v)

    for row, column in np.random.default_rng(0).integers(0, height.shape, (80, 2)):
        u, v = (x[column] - x[0]) / cell + 0.6, (y[row] - y[0]) / cell + 0.6
        lift = at(0, u + 0.55 * at(1, u, v), v + 0.55 * at(2, u, v))
        assert height[row, column] == pytest.approx(1 + 2.5 * (2 * abs(lift) - 0.6 if valleys else lift), abs=1e-9)


def test_hash_has_no_pattern():
    drawn = np.array([[mixed(3, i, j) for i in range(-60, 60)] for j in range(-60, 60)])
    assert abs(drawn.mean()) < 0.02
    assert drawn.std() == pytest.approx(3**-0.5, rel=0.02)
    assert abs((drawn[:, 1:] * drawn[:, :-1]).mean()) < 0.01
    assert abs((drawn[1:] * drawn[:-1]).mean()) < 0.01


def test_folding_is_a_reflection_after_another():
    rng = np.random.default_rng(2)
    angle = rng.uniform(0, 6.28, 7)
    folds = np.stack([np.cos(angle), np.sin(angle), rng.uniform(-30, 30, 7), rng.uniform(-0.3, 0.3, 7)], axis=1)
    x, y = np.arange(-40.0, 41, 8), np.arange(-30.0, 31, 6)
    height = np.zeros((len(y), len(x)))
    add_folding(height, x, y, folds, 14.0)
    expected = [[naive.folded_height(a, b, folds, 14.0) for a in x] for b in y]
    np.testing.assert_allclose(height, expected, atol=0.02)


def test_pinches_run_out_to_both_sides_and_ends():
    rng = np.random.default_rng(4)
    ways = rng.uniform(0, 40, (6, 1, 2)) + np.cumsum(rng.normal(0, 7, (6, 5, 2)), axis=1)
    lifts, widths = rng.normal(0, 0.5, (6, 5)), rng.uniform(1.5, 12, (6, 2))
    lifts[:, [0, -1]] = 0.0
    x, y = np.arange(-12.0, 61, 1.7), np.arange(-12.0, 52, 1.3)
    height = np.full((len(y), len(x)), 0.25)
    add_pinches(height, x, y, ways, lifts, widths)
    expected = [[0.25 + naive.pinched_height(a, b, ways, lifts, widths) for a in x] for b in y]
    np.testing.assert_allclose(height, expected, atol=1e-12)
    assert np.ptp(height) > 0.3


@pytest.mark.parametrize("radius", [0, 2, 5])
def test_rising_paper_loses_length(radius):
    rng = np.random.default_rng(radius)
    height = np.cumsum(rng.normal(0, 0.4, (14, 19)), axis=1)
    lost = np.empty_like(height)
    foreshorten(height, 1.5, 0.8, radius, lost)
    np.testing.assert_allclose(lost, naive.lost_length(height, 1.5, 0.8, radius), atol=1e-12)


def test_remaining_shear():
    height, lost_x, lost_y = np.random.default_rng(1).normal(size=(3, 9, 12))
    rows, columns = np.empty(9), np.empty(12)
    remaining_shear(height, 1.5, 2.0, lost_x, lost_y, rows, columns)
    expected = naive.remaining_shear(height, 1.5, 2.0, lost_x, lost_y)
    np.testing.assert_allclose(rows, expected.mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(columns, expected.mean(axis=0), atol=1e-12)


@pytest.mark.parametrize("hold", [False, True])
def test_plane_is_sampled_bilinearly(hold):
    rng = np.random.default_rng(0)
    plane = np.where(rng.random((50, 60)) < 0.1, rng.integers(1, 256, (50, 60)), 0).astype(np.uint8)
    plane[20:45, 20:50] = 0
    plane[:, 0] = 200
    out = np.empty((44, 53), dtype=np.uint8)
    nodes = uneven(*lattice_shape(out.shape), CELL, 4, 0.2) * 1.2 - 12
    sample_plane(plane, nodes, CELL, out, hold)
    np.testing.assert_allclose(out, naive.sample_plane(plane, nodes, CELL, out.shape, hold), atol=0.51)


def random_points(size_mm, count, seed):
    return np.random.default_rng(seed).uniform(0, 1, (count, 2)) * size_mm


@given(st.integers(0, 100_000), st.sampled_from([72.0, 150.0, 300.0]))
def test_forward_and_inverse_agree_on_any_page(number, dpi):
    warp = composed(number, dpi).warp(LETTER)
    assert warp.is_fold_free()
    points = random_points(LETTER, 3000, number)
    pixels = warp.forward(points)
    assert np.isfinite(pixels).all()
    height, width = warp.size
    x, y = pixels.T
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    back = warp.inverse(pixels[inside])
    assert np.abs(back - points[inside]).max(initial=0) * warp.scale <= 1e-3
    assert np.abs(warp.forward(back) - pixels[inside]).max(initial=0) <= 1e-3


@given(st.integers(0, 100_000))
def test_points_outside_the_picture_go_on_smoothly(number):
    """Where the picture ends its cells hand over to the paper's own: the two differ by less than what a cell smooths away."""
    warp = composed(number).warp(LETTER)
    points = random_points(LETTER, 3000, number)
    by_mesh = np.empty_like(points)
    lookup(points, np.ascontiguousarray(warp.mesh_px), (warp.mesh.x_mm[0], warp.mesh.y_mm[0]), warp.mesh.step_mm, by_mesh)
    apart = np.hypot(*(warp.forward(points) - by_mesh).T)
    assert np.quantile(apart, 0.99) < 0.5
    assert apart.max() < 4.0


@pytest.mark.parametrize("number", range(5))
def test_dense_map_is_the_inverse(number):
    warp = composed(number, 72.0).warp(LETTER)
    dense = warp.dense()
    assert dense.shape == (*warp.size, 2)
    rows, columns = (np.random.default_rng(1).integers(0, n, 500) for n in warp.size)
    inverse = warp.inverse(np.stack([columns, rows], axis=1))
    np.testing.assert_array_equal(dense[rows, columns], inverse.astype(np.float32))


def test_flat_warp_is_the_flat_page():
    warp = Warp.flat(LETTER, 8.0, (1727, 2235))
    points = random_points(LETTER, 100, 0)
    np.testing.assert_allclose(warp.forward(points), points * 8.0 - 0.5, atol=1e-6)
    np.testing.assert_allclose(warp.inverse(points * 8.0 - 0.5), points, atol=1e-9)
    assert warp.is_fold_free()
    assert np.isnan(warp.forward(np.array([[np.nan, 3.0]]))).all()


def test_the_truth_of_a_flat_page_is_that_of_any_other():
    photo = fastecg.render(fastecg.simulate(seed=2), layout="3x4+1", style="muse", dpi=110)
    searched = replace(photo, warp=replace(photo.warp, is_flat=False)).truth
    assert photo.warp.is_flat
    for flat, general in zip(photo.truth.traces, searched.traces, strict=True):
        np.testing.assert_allclose(flat.points, general.points, atol=1e-8)
    for flat, general in zip(photo.truth.boxes, searched.boxes, strict=True):
        np.testing.assert_allclose(flat.corners, general.corners, atol=1e-8)
    np.testing.assert_allclose(photo.truth.homography(), searched.homography(), atol=1e-8)


@pytest.mark.parametrize("angle", [0, 30, 45, 80, -120])
def test_rolled_paper_keeps_its_lengths(angle):
    """A sheet rolled up along any direction: distances in space are those on the paper (a height field alone would stretch it)."""
    mesh = Curl(angle_deg=angle, lift_mm=25, start=-0.5).bend(Mesh.flat(LETTER, 2.0))
    solid = mesh.solid()
    assert np.ptp(solid[..., 2]) > 20
    along = (solid[:, 2:] - solid[:, :-2])[1:-1] / (2 * mesh.step_mm[0])
    down = (solid[2:] - solid[:-2])[:, 1:-1] / (2 * mesh.step_mm[1])
    for strain in ((along**2).sum(-1) - 1, (down**2).sum(-1) - 1, (along * down).sum(-1)):
        assert np.quantile(np.abs(strain), 0.99) < 0.002
        assert np.sqrt(np.mean(strain**2)) < 0.0006


def test_a_page_folded_over_is_seen():
    mesh = Mesh.flat(LETTER, 2.0)
    mesh = mesh.lifted(30 * np.exp(-(((mesh.x_mm - 140) / 15) ** 2)) + 0 * mesh.y_mm[:, None])
    size = Straight().size(LETTER, 100)
    assert Warp.through(mesh, Straight().project(mesh.solid(), LETTER, 100), size).is_fold_free()
    inclined = Phone(tilt_deg=40, azimuth_deg=0)
    assert not Warp.through(mesh, inclined.project(mesh.solid(), LETTER, 100), inclined.size(LETTER, 100)).is_fold_free()


def test_a_draw_that_folds_the_page_over_is_drawn_again():
    steep = {"crush": {"kind": "Wrinkle", "strength": [0.9, 1.0], "size": [0.4, 2.5]}, "lamp": {"kind": "Lamp", "direction_deg": [0, 360]}}
    view = {"kind": "Phone", "tilt_deg": [20, 45], "azimuth_deg": [-180, 180]}
    recipe = Recipe.from_dict({"severity": 1.0, "page": {"style": "muse", "dpi": 72}, "view": view, "slots": steep}, "steep")
    again = 0
    for seed in range(30):
        shot = recipe.sample(RECORD, seed=seed)
        first = [item.sample(fastecg_stream(seed, slot), 1.0) for slot, item in recipe.slots]
        assert first[1] in shot.artifacts  # what bends nothing is not drawn again
        if first[0] not in shot.artifacts:
            again += 1
            assert not replace(shot, artifacts=(first[0],)).warp(LETTER).is_fold_free()
        assert shot.warp(LETTER).is_fold_free()
        assert shot == recipe.sample(RECORD, seed=seed)
    assert 0 < again < 30


def fastecg_stream(seed, slot):
    from fastecg.recipes.distributions import rng_for

    return rng_for(seed, f"{RECORD.name}/0/0/{crc32(RECORD.signal.tobytes())}", slot)


def test_compositions_have_everything():
    from fastecg.artifacts import ARTIFACTS
    from fastecg.views import VIEWS as KINDS

    assert {slot["kind"] for slot in SLOTS.values()} >= {kind.__name__ for kind in ARTIFACTS if kind.geometric}
    assert {view["kind"] for view in VIEWS} == {kind.__name__ for kind in KINDS}
    assert len(RECIPES) == len(VIEWS)


def test_finest_artifact_decides_the_mesh():
    from fastecg.artifacts import Crease

    shot = replace(composed(4), artifacts=(Wave(),), view=Straight())
    assert shot.warp(LETTER).mesh.step_mm[0] == pytest.approx(2.0, rel=0.01)
    assert replace(shot, artifacts=(Wave(), Crease())).warp(LETTER).mesh.step_mm[0] == pytest.approx(1.0, rel=0.01)


def test_flat_warp_has_the_page_where_it_is_printed():
    """Pixel centres are at whole numbers, also where only the paper's own nodes tell: outside the picture."""
    warp = Warp.flat(LETTER, 8.0, (1727, 2235))
    x, y = warp.mesh.coordinates()
    np.testing.assert_allclose(warp.mesh_px[..., 0], x * 8.0 - 0.5 + 0 * y, atol=1e-9)
    np.testing.assert_allclose(warp.mesh_px[..., 1], y * 8.0 - 0.5 + 0 * x, atol=1e-9)
    outside = np.array([[-11.0, 50.0], [100.0, 225.0], [290.0, -11.0]])
    np.testing.assert_allclose(warp.forward(outside), outside * 8.0 - 0.5, atol=1e-6)


@pytest.mark.parametrize("share", [1.0, 0.05, 0.01, 0.0, -0.5])
def test_a_fold_is_seen_in_the_paper_and_in_the_picture(share):
    """Each of the two counts by itself: a cell of less than a fiftieth of its area is one that is folded."""
    warp = Warp.flat((60.0, 40.0), 8.0, (320, 480))
    assert warp.is_fold_free()
    for name in ("nodes_mm", "mesh_px"):
        nodes = getattr(warp, name)
        folded = nodes.copy()
        folded[:, 2:, 0] -= (1 - share) * (nodes[0, 2, 0] - nodes[0, 1, 0])
        assert replace(warp, **{name: folded}).is_fold_free() == (share > 0.02), name


@pytest.mark.parametrize("lift", [-7.0, 0.0, 12.0])
def test_the_lowest_of_the_paper_lies_on_the_table(lift):
    mesh = Curl(angle_deg=20, lift_mm=15).bend(Mesh.flat(LETTER, 4.0))
    heights = mesh.lifted(np.full(mesh.height_mm.shape, lift)).solid()[..., 2]
    assert heights.min() == 0.0
    np.testing.assert_allclose(heights, mesh.solid()[..., 2], atol=1e-9)


@pytest.mark.parametrize("dpi", [72, 100, 254])
def test_scale_is_the_median_of_what_is_seen(dpi):
    mesh = Mesh.flat(LETTER, 2.0)
    warp = Warp.through(mesh, Straight().project(mesh.solid(), LETTER, dpi), Straight().size(LETTER, dpi))
    assert warp.scale == pytest.approx(dpi / 25.4, rel=1e-9)
    assert warp.nodes_mm.shape == (*lattice_shape(warp.size), 2)


def test_a_lattice_reaches_a_cell_beyond_the_picture_on_every_side():
    for pixels in (1, 2, 8, 9, 10, 16, 17, 1000):
        rows, columns = lattice_shape((pixels, pixels + 8))
        last = CELL * (rows - 2)  # the node before the last one: the first stands at -CELL
        assert pixels - 1 <= last - CELL < pixels - 1 + CELL
        assert columns == rows + 1


def test_nodes_beside_the_page_tell_how_far():
    warp = Warp.flat((60.0, 40.0), 2.0, (200, 300))  # a picture of 150 x 100 mm
    x, y = np.moveaxis(warp.nodes_mm, -1, 0)
    outside = np.maximum(np.maximum(-x, x - 60.0), np.maximum(-y, y - 40.0))
    assert (outside > 50).any()
    assert (outside < -15).any()
    np.testing.assert_allclose(warp.off_page_mm, outside, atol=1e-9)


@pytest.mark.parametrize(("step", "margin"), [(2.0, 12.0), (1.7, 5.0), (50.0, 12.0), (3.0, 0.5)])
def test_a_flat_mesh_goes_beyond_the_page_by_its_margin_at_least(step, margin):
    mesh = Mesh.flat(LETTER, step, margin)
    for nodes, length in ((mesh.x_mm, LETTER[0]), (mesh.y_mm, LETTER[1])):
        assert nodes[0] <= -margin
        assert nodes[-1] >= length + margin
        assert -nodes[0] < margin + step
        assert np.diff(nodes).max() < step + 1e-9
        assert np.abs(nodes).min() < 1e-9, "a node on the page's edge"
    assert mesh.size_mm == pytest.approx(LETTER)
    assert mesh.slid(np.ones((len(mesh.y_mm), len(mesh.x_mm), 2))).slide_mm.shape == (len(mesh.y_mm), len(mesh.x_mm), 2)


def test_slopes_are_those_in_the_middle_of_cells():
    mesh = Mesh.flat(LETTER, 5.0)
    x, y = mesh.coordinates()
    along, down = mesh.lifted(0.001 * x * y + 0.1 * x - 0.03 * y).slopes()
    middle_x, middle_y = ((nodes[1:] + nodes[:-1]) / 2 for nodes in (mesh.x_mm, mesh.y_mm))
    np.testing.assert_allclose(along, np.broadcast_to(0.1 + 0.001 * middle_y[:, None], along.shape), atol=1e-12)
    np.testing.assert_allclose(down, np.broadcast_to(-0.03 + 0.001 * middle_x[None, :], down.shape), atol=1e-12)


@pytest.mark.parametrize("count", [5, 8])
def test_integrals_are_zero_in_the_middle(count):
    values = np.random.default_rng(count).uniform(0, 1, (3, count))
    found = _integral(values, 0.5)
    assert (found[:, count // 2] == 0).all()
    np.testing.assert_allclose(np.diff(found), 0.25 * (values[:, 1:] + values[:, :-1]))


@pytest.mark.parametrize("scale", [0.5, 2.0, 8.0])
def test_the_mesh_of_a_flat_page_reaches_beyond_the_picture(scale):
    """At every resolution: light and shadow are looked up a cell beyond the picture."""
    size = round(40 * scale), round(60 * scale)
    warp = Warp.flat((60.0, 40.0), scale, size)
    low, high = warp.mesh_px.min(axis=(0, 1)), warp.mesh_px.max(axis=(0, 1))
    assert (low < -CELL).all()
    assert (high > np.array(size[::-1]) + CELL).all()
