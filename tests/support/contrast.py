"""How well colours can be told apart: contrast by WCAG 2.2, and distance as people with any colour vision see it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import dist
from typing import Literal, TypeAlias, TypeVar

Rgb: TypeAlias = tuple[float, float, float]
_Name = TypeVar("_Name", bound=str)
Vision = Literal["full", "protanopia", "deuteranopia", "tritanopia"]
VISIONS: tuple[Vision, ...] = ("full", "protanopia", "deuteranopia", "tritanopia")
# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
_SEEN: dict[Vision, tuple[Rgb, Rgb, Rgb]] = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio").

    Args:
        first: `#rrggbb`.
        second: `#rrggbb`.
    """
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def closest(colors: Mapping[_Name, str], vision: Vision) -> tuple[float, _Name, _Name]:
    """Return how far apart the two most alike colours are, in Oklab, and which they are.

    Args:
        colors: `#rrggbb` by name.
        vision: whose eyes.
    """
    return min(
        (dist(_oklab(one, vision), _oklab(other, vision)), name, second)
        for (name, one), (second, other) in combinations(colors.items(), 2)
    )


def _linear(color: str) -> Rgb:
    red, green, blue = (int(color[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return _expand(red), _expand(green), _expand(blue)


def _expand(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _luminance(color: str) -> float:
    red, green, blue = _linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _dot(row: Rgb, color: Rgb) -> float:
    return sum(factor * part for factor, part in zip(row, color, strict=True))


def _oklab(color: str, vision: Vision) -> Rgb:
    """Return a colour in Oklab (Ottosson 2020) as somebody sees it."""
    linear = _linear(color)
    red, green, blue = (min(max(_dot(row, linear), 0.0), 1.0) for row in _SEEN[vision])
    seen = (red, green, blue)
    long = _dot((0.4122214708, 0.5363325363, 0.0514459929), seen) ** (1 / 3)
    middle = _dot((0.2119034982, 0.6806995451, 0.1073969566), seen) ** (1 / 3)
    short = _dot((0.0883024619, 0.2817188376, 0.6299787005), seen) ** (1 / 3)
    cones = (long, middle, short)
    return (
        _dot((0.2104542553, 0.7936177850, -0.0040720468), cones),
        _dot((1.9779984951, -2.4285922050, 0.4505937099), cones),
        _dot((0.0259040371, 0.7827717662, -0.8086757660), cones),
    )
