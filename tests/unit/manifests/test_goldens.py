"""Whole renders, compared with files under review.

After a wanted change write them anew with `python -m tests.support.goldens` and read the diff before
committing.
"""

from __future__ import annotations

import pytest

from tests.support.goldens import DIRECTORY, cases, path_of, text_of


@pytest.mark.parametrize("name", cases())
def test_a_render_is_the_one_under_review(name: str) -> None:
    expected = path_of(name).read_text(encoding="utf-8")
    assert text_of(cases()[name]) == expected, "wanted? then run: python -m tests.support.goldens"


def test_every_file_has_its_case() -> None:
    assert {path.stem for path in DIRECTORY.glob("*.yaml")} == set(cases())
