"""Views: where points in space are in the picture."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastecg.errors import RecipeError
from fastecg.views import VIEWS, Flatbed, Phone, Screen, Straight

LETTER = (279.4, 215.9)
CORNERS = np.array([[0, 0, 0], [279.4, 0, 0], [279.4, 215.9, 0], [0, 215.9, 0]], dtype=float)


def seen(view, points=CORNERS, dpi=150.0, page=LETTER):
    return view.project(points, page, dpi)


@pytest.mark.parametrize("kind", VIEWS)
def test_values_survive_json(kind):
    view = kind()
    assert kind.from_dict(json.loads(json.dumps(view.to_dict()))) == view
    assert kind.__doc__


@pytest.mark.parametrize("kind", VIEWS)
def test_plain_view_shows_the_whole_page_upright(kind):
    view = kind()
    height, width = view.size(LETTER, 150)
    corners = seen(view)
    assert width > height
    if view.to_dict().get("fill", 1.0) <= 1.0:
        assert (corners > -1).all()
        assert (corners < (width, height)).all()
    assert corners[0].sum() < corners[1].sum() < corners[2].sum()
    assert corners[0, 0] < corners[1, 0]
    assert corners[0, 1] < corners[3, 1]


def test_straight_and_flatbed_agree():
    assert Straight().size(LETTER, 200) == Flatbed().size(LETTER, 200)
    np.testing.assert_allclose(seen(Straight(), dpi=200), seen(Flatbed(), dpi=200), atol=0.51)  # the picture is a whole number of pixels


@pytest.mark.parametrize("view", [Phone(distance_mm=3000, fill=1.0), Screen(distance_mm=3000, fill=1.0)])
def test_from_far_away_it_is_a_scan(view):
    np.testing.assert_allclose(seen(view), seen(Straight()), atol=0.6)


def test_centre_keeps_its_scale():
    """Whatever the pose, a millimetre across the tilt in the page's middle is dpi / 25.4 pixels, unless a width is asked for."""
    middle = np.array([LETTER[0] / 2, LETTER[1] / 2, 0.0])
    for view in (
        Phone(tilt_deg=30, azimuth_deg=90, fill=0.7),
        Phone(roll_deg=40),
        Phone(turns=1, lens_k1=0.03),
        Screen(zoom=0.6, tilt_deg=12),
    ):
        a, b = seen(view, np.stack([middle, middle + np.array([0.01, 0, 0])]))
        assert np.hypot(*(b - a)) == pytest.approx(0.01 * 150 / 25.4, rel=1e-3)


def test_width_is_as_asked():
    for view in (Phone(width_px=1200, tilt_deg=20, fill=0.8), Phone(width_px=3000, turns=1)):
        height, width = view.size(LETTER, 150)
        assert abs(width - view.width_px) <= 1
        reach = np.ptp(seen(view)[:, 0])
        assert reach == pytest.approx(width * view.fill, rel=0.01)
        assert height != width


def test_aspect_is_as_asked():
    for aspect in (0.75, 4 / 3):
        height, width = Phone(aspect=aspect, tilt_deg=10, fill=0.9).size(LETTER, 150)
        assert width / height == pytest.approx(aspect, rel=0.01)


@pytest.mark.parametrize("kind", [Phone, Flatbed, Screen])
def test_quarter_turns(kind):
    """A turn clockwise brings the page's top left corner to the top right."""
    upright, turned, over = (kind(turns=turns) for turns in (0, 1, 2))
    assert turned.size(LETTER, 150) == upright.size(LETTER, 150)[::-1]
    height, width = turned.size(LETTER, 150)
    first = seen(turned)[0]
    assert first[0] > 0.8 * width
    assert first[1] < 0.2 * height
    np.testing.assert_allclose(seen(over)[0] + seen(over)[2], seen(upright)[0] + seen(upright)[2], atol=1e-6)
    np.testing.assert_allclose(seen(over)[0], seen(upright)[2], atol=1e-6)


def test_near_side_is_larger():
    """A camera towards the page's bottom sees the bottom edge longer than the top."""
    corners = seen(Phone(tilt_deg=20, azimuth_deg=90))
    top, bottom = np.hypot(*(corners[1] - corners[0])), np.hypot(*(corners[2] - corners[3]))
    assert bottom > 1.1 * top
    nearer = seen(Phone(tilt_deg=20, azimuth_deg=90, distance_mm=250))
    assert np.hypot(*(nearer[2] - nearer[3])) / np.hypot(*(nearer[1] - nearer[0])) > bottom / top


def test_what_rises_moves_away_from_the_camera():
    """Parallax: seen from the bottom, a lifted point appears farther up; seen from above, farther from the centre."""
    point = np.array([[100.0, 150.0, 0.0], [100.0, 150.0, 10.0]])
    flat, lifted = seen(Phone(tilt_deg=25, azimuth_deg=90), point)
    assert lifted[1] < flat[1] - 10
    flat, lifted = seen(Phone(tilt_deg=0), point)
    centre = seen(Phone(tilt_deg=0), np.array([LETTER[0] / 2, LETTER[1] / 2, 0.0]))
    assert np.hypot(*(lifted - centre)) > np.hypot(*(flat - centre))


def test_a_plane_stays_a_plane_projection():
    """Without lens, a flat page is seen through a homography: cross ratios of four points on a line are kept."""
    t = np.array([0.0, 0.2, 0.6, 1.0])
    line = np.stack([20 + 200 * t, 30 + 150 * t, 0 * t], axis=1)
    points = seen(Phone(tilt_deg=35, azimuth_deg=40, roll_deg=10, distance_mm=200), line)
    along = np.hypot(*(points - points[0]).T)
    assert np.abs(np.linalg.svd(points - points.mean(axis=0))[1][1]) < 1e-8

    def cross_ratio(p):
        return (p[2] - p[0]) * (p[3] - p[1]) / ((p[2] - p[1]) * (p[3] - p[0]))

    assert cross_ratio(along) == pytest.approx(cross_ratio(t))


@pytest.mark.parametrize(("k1", "bulge"), [(-0.04, 1), (0.04, -1)])
def test_lens_bends_edges(k1, bulge):
    """Barrel: the middle of an edge lies farther out than its ends."""
    edge = np.array([[x, 0.0, 0.0] for x in (0.0, LETTER[0] / 2, LETTER[0])])
    left, middle, right = seen(Phone(lens_k1=k1), edge)[:, 1]
    assert np.sign(0.5 * (left + right) - middle) == bulge


def test_scan_is_turned_stretched_and_shifted():
    plain, view = Flatbed(border_mm=10), Flatbed(border_mm=10, skew_deg=2, stretch_x=1.02, offset_y_mm=3)
    assert plain.size(LETTER, 100) == view.size(LETTER, 100)
    top = seen(view)[1] - seen(view)[0]
    assert np.rad2deg(np.arctan2(top[1], top[0] / 1.02)) == pytest.approx(2.0)
    assert top[0] / np.cos(np.deg2rad(2)) == pytest.approx(1.02 * 279.4 * 150 / 25.4)
    askew = replace(plain, skew_deg=2.0)
    assert seen(view).mean(axis=0)[1] - seen(askew).mean(axis=0)[1] == pytest.approx(3 * 150 / 25.4)
    np.testing.assert_array_equal(seen(view, CORNERS + np.array([0, 0, 20])), seen(view))  # pressed flat: no parallax


@pytest.mark.parametrize("offset_mm", [0.0, 1.7])
def test_page_that_lies_straight_in_a_scanner_keeps_its_pixels(offset_mm):
    corner = Flatbed(border_mm=-3, offset_x_mm=offset_mm).project(np.zeros(3), LETTER, 97)
    assert corner + 0.5 == pytest.approx(np.rint(corner + 0.5), abs=1e-9)


def test_lid_is_seen_beside_a_scan():
    assert Flatbed(lid="black").backdrop().max() < 60 < 200 < Flatbed(lid="white").backdrop().min()
    assert Straight().backdrop().tolist() == [0, 0, 0]


def test_values_out_of_range_are_refused():
    with pytest.raises(RecipeError, match=r"Phone\.tilt_deg is 80, expected 0 to 45"):
        Phone(tilt_deg=80)
    with pytest.raises(RecipeError, match="white, grey, black"):
        Flatbed(lid="pink")


@given(st.floats(0, 45), st.floats(-180, 180), st.floats(-180, 180), st.floats(-0.06, 0.06), st.floats(150, 3000), st.floats(0.2, 1.8))
def test_any_pose_keeps_the_page_in_the_middle_of_its_frame(tilt, azimuth, roll, k1, distance, fill):
    view = Phone(tilt_deg=tilt, azimuth_deg=azimuth, roll_deg=roll, lens_k1=k1, distance_mm=distance, fill=fill)
    height, width = view.size(LETTER, 50)
    sides = np.concatenate([a + np.linspace(0, 1, 30)[:, None] * (b - a) for a, b in zip(CORNERS, np.roll(CORNERS, -1, 0), strict=True)])
    outline = seen(view, sides, dpi=50)
    middle = 0.5 * (outline.min(axis=0) + outline.max(axis=0))
    np.testing.assert_allclose(middle, [(width - 1) / 2, (height - 1) / 2], atol=0.005 * max(width, height) + 0.1)
    np.testing.assert_allclose(np.ptp(outline, axis=0), np.array([width, height]) * fill, rtol=0.03, atol=2)


@pytest.mark.parametrize("view", [Phone(tilt_deg=8, fill=1.1), Flatbed(skew_deg=3, border_mm=-2)], ids=["phone", "flatbed"])
def test_what_is_cropped_is_cut_off_and_nothing_else(view):
    page_mm, dpi, points = (280.0, 210.0), 90.0, np.array([[20.0, 30.0, 0.0], [200.0, 150.0, 2.0]])
    cropped = replace(view, crop_top=0.2, crop_bottom=0.1, crop_left=0.05, crop_right=0.15)
    height, width = view.size(page_mm, dpi)
    top, left = round(0.2 * height), round(0.05 * width)
    assert cropped.size(page_mm, dpi) == (height - top - round(0.1 * height), width - left - round(0.15 * width))
    np.testing.assert_allclose(cropped.project(points, page_mm, dpi), view.project(points, page_mm, dpi) - [left, top], atol=1e-9)
