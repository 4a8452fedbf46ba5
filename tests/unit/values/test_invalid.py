"""Values files that must be refused."""

from __future__ import annotations

import pytest

from k3k_core.errors import ValuesError
from k3k_core.values import load_values
from tests.support.invalid_values import INVALID, InvalidValues


def _issues_of(case: InvalidValues) -> ValuesError:
    with pytest.raises(ValuesError) as caught:
        load_values(case.text, overrides=case.overrides)
    return caught.value


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case.name)
def test_every_problem_has_its_path_a_reason_and_a_remedy(case: InvalidValues) -> None:
    error = _issues_of(case)
    assert tuple(issue.path for issue in error.issues) == case.paths
    first = error.issues[0]
    assert case.says in f"{first.problem}; {first.remedy}"
    assert all(issue.problem and issue.remedy for issue in error.issues)
    assert error.exit_code == 2


def test_names_of_the_cases_are_unique() -> None:
    names = [case.name for case in INVALID]
    assert len(names) == len(set(names))
