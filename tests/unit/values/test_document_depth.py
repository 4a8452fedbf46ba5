"""Deep nesting ends in an issue, not in the end of the process."""

from __future__ import annotations

import pytest

from k3k_core.errors import ValuesError
from k3k_core.values import load_values


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_a_deeply_nested_file_is_refused(opening: str) -> None:
    with pytest.raises(ValuesError, match="nested too deeply"):
        load_values(opening * 100_000)


@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_a_deeply_nested_override_is_refused(opening: str) -> None:
    with pytest.raises(ValuesError, match="not valid YAML"):
        load_values("", overrides=[f"k3s.tls_sans={opening * 100_000}"])
