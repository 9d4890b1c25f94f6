from math import dist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.light import Rgb
from drivers.hue.api import Gamut, HubLight, Point
from drivers.hue.looks import (
    GAMUT_A,
    GAMUT_B,
    GAMUT_C,
    clip,
    gamut_of,
    rgb_to_xy,
)

CHANNEL = st.integers(0, 255)
RGB = st.tuples(CHANNEL, CHANNEL, CHANNEL)
GAMUTS = st.sampled_from([GAMUT_A, GAMUT_B, GAMUT_C])
WHITE: Point = (0.3227, 0.329)


def weights(gamut: Gamut, point: Point) -> tuple[float, float, float]:
    """How much of each corner makes ``point``; all are positive inside of the triangle."""
    (x1, y1), (x2, y2), (x3, y3) = gamut
    x, y = point
    area = (y2 - y3) * (x1 - x3) + (x3 - x2) * (y1 - y3)
    red = ((y2 - y3) * (x - x3) + (x3 - x2) * (y - y3)) / area
    green = ((y3 - y1) * (x - x3) + (x1 - x3) * (y - y3)) / area
    return red, green, 1 - red - green


@given(RGB, GAMUTS)
def test_every_colour_lies_in_the_gamut(color: Rgb, gamut: Gamut) -> None:
    assert min(weights(gamut, rgb_to_xy(color, gamut))) >= -0.001


@given(RGB)
def test_without_a_gamut_a_colour_still_is_one_that_a_hub_takes(color: Rgb) -> None:
    assert all(0 <= part <= 1 for part in rgb_to_xy(color))


@given(RGB, GAMUTS)
def test_clipping_twice_is_clipping_once(color: Rgb, gamut: Gamut) -> None:
    once = rgb_to_xy(color, gamut)
    assert dist(clip(once, gamut), once) <= 0.0002


@given(RGB, GAMUTS)
def test_no_corner_is_nearer_than_the_clipped_point(color: Rgb, gamut: Gamut) -> None:
    wide = rgb_to_xy(color)
    x, y = rgb_to_xy(color, gamut)
    distance = (x - wide[0]) ** 2 + (y - wide[1]) ** 2
    for corner in gamut:
        assert distance <= (corner[0] - wide[0]) ** 2 + (corner[1] - wide[1]) ** 2 + 0.0002


@pytest.mark.parametrize("gamut", [GAMUT_A, GAMUT_B, GAMUT_C])
def test_the_primaries_are_near_the_corners(gamut: Gamut) -> None:
    for corner, color in zip(gamut, [(255, 0, 0), (0, 255, 0), (0, 0, 255)], strict=True):
        assert dist(rgb_to_xy(color, gamut), corner) <= 0.005


def test_brightness_does_not_change_the_colour() -> None:
    assert rgb_to_xy((255, 0, 0)) == rgb_to_xy((3, 0, 0))
    assert rgb_to_xy((0, 0, 0)) == rgb_to_xy((90, 90, 90)) == rgb_to_xy((255, 255, 255)) == WHITE


def test_a_colour_that_the_lamp_has_is_left_as_it_is() -> None:
    assert rgb_to_xy((255, 220, 190), GAMUT_C) == rgb_to_xy((255, 220, 190))


@pytest.mark.parametrize(
    ("model", "named", "gamut"),
    [
        ("LCT001", None, GAMUT_B),
        ("LST001", None, GAMUT_A),
        ("LCT001", GAMUT_C, GAMUT_C),
        ("of others", GAMUT_A, GAMUT_A),
        ("of others", None, None),
        ("LCT015", ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0)), GAMUT_C),
        ("of others", ((0.1, 0.1), (0.2, 0.2), (0.3, 0.3)), None),
    ],
)
def test_what_the_hub_names_comes_before_the_model(
    model: str, named: Gamut | None, gamut: Gamut | None
) -> None:
    capabilities = {"control": {"colorgamut": named}} if named else {}
    lamp = {"name": "Desk", "modelid": model, "state": {"on": True}, "capabilities": capabilities}
    assert gamut_of(HubLight.model_validate(lamp)) == gamut
