"""Label selectors that are matched on this side."""

from __future__ import annotations

import pytest

from k3k_core.errors import UsageError
from k3k_core.label_selector import parse_label_selector

LABELS = {"team": "shop", "example.com/tier": "gold", "empty": ""}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("team=shop", True),
        ("team==shop", True),
        ("team = shop", True),
        ("team=blog", False),
        ("team!=blog", True),
        ("team!=shop", False),
        ("owner!=me", True),
        ("owner=me", False),
        ("team", True),
        ("owner", False),
        ("!owner", True),
        ("!team", False),
        ("empty=", True),
        ("owner=", False),
        ("team in (blog, shop)", True),
        ("team in (blog)", False),
        ("team notin (blog)", True),
        ("owner notin (me)", True),
        ("team notin (shop,blog)", False),
        ("example.com/tier=gold,team in (shop,blog),!owner", True),
        ("example.com/tier=gold,team=blog", False),
    ],
)
def test_labels_are_selected_as_kubectl_selects_them(text: str, matches: bool) -> None:
    assert parse_label_selector(text).matches(LABELS) is matches


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "a=b,",
        "a b",
        "a>1",
        "a in",
        "a in b",
        "a in (b",
        "=b",
        "a=b=c",
        "-a=b",
        "a=b c",
        "a in (-)",
        "!",
    ],
)
def test_what_is_no_selector_is_refused_with_the_way_to_write_one(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_label_selector(text)
    assert caught.value.hint.startswith("Write -l key=value")
