"""From the text of a values file to checked values."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from k3k_core.errors import Issue, UsageError, ValuesError
from k3k_core.values.document import MAX_BYTES, Place, read_document
from k3k_core.values.merging import apply_overrides, merge
from k3k_core.values.paths import Path, display, walk, without
from k3k_core.values.presets import PRESETS, preset_text
from k3k_core.values.problems import issue_of, path_of
from k3k_core.values.rules import findings
from k3k_core.values.shape import drop_nulls

if TYPE_CHECKING:
    from k3k_core.values.model import Values


@dataclass(frozen=True, slots=True)
class LoadedValues:
    """Checked values.

    Attributes:
        values: all values, defaults filled in.
        given: what was asked for, preset and overrides merged, without defaults. It may hold secrets.
        warnings: what is usable but probably not meant.
    """

    values: Values
    given: dict[str, Any] = field(repr=False)
    warnings: tuple[Issue, ...] = ()


def load_values(
    text: str, *, source: str = "values", preset: str | None = None, overrides: Sequence[str] = ()
) -> LoadedValues:
    """Read and check a values file.

    Args:
        text: the file; an empty one means all defaults.
        source: what to call it in errors.
        preset: name of a preset to lay under it.
        overrides: `path=value` texts to lay over it.

    Raises:
        ValuesError: it is not usable; all issues at once, in the order of the file.
        UsageError: there is no such preset.
    """
    base = {} if preset is None else read_document(preset_text(_known_preset(preset))).tree
    document = read_document(text)
    if not document.usable:
        raise ValuesError(document.issues, source=source)
    merged, override_issues = apply_overrides(merge(base, document.tree), overrides)
    return _check(merged, document.places, [*document.issues, *override_issues], source)


def load_given(given: Mapping[str, Any], *, source: str = "values") -> LoadedValues:
    """Check a tree of values, such as the `given` of earlier loaded ones.

    Args:
        given: the tree.
        source: what to call it in errors.

    Raises:
        ValuesError: it is not usable.
    """
    return _check(dict(given), {}, [], source)


def read_values_file(path: str | os.PathLike[str]) -> str:
    """Read the text of a values file.

    Args:
        path: a file, or "-" for standard input.

    Raises:
        UsageError: there is no such file, or it cannot be read, is larger than 1 MiB or is not UTF-8.
    """
    name = "standard input" if os.fspath(path) == "-" else os.fspath(path)
    try:
        if os.fspath(path) == "-":
            if sys.stdin is None:
                raise UsageError("Standard input is closed.", hint="Give the path of a values file.")
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with FilePath(path).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(
            f"There is no values file {name}.", hint="Give its path, or `-` for standard input."
        ) from None
    except OSError as error:
        raise UsageError(f"The values file {name} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"The values file {name} is larger than 1 MiB.", hint="Is this the file that you meant?"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"The values file {name} is not UTF-8 text (byte {error.start}).", hint="Save it as UTF-8."
        ) from None


def _known_preset(name: str) -> str:
    if name in PRESETS:
        return name
    close = difflib.get_close_matches(name, PRESETS, n=1)
    meant = f"Did you mean `{close[0]}`? " if close else ""
    raise UsageError(f"There is no preset `{name}`.", hint=f"{meant}Presets: {', '.join(PRESETS)}.")


def _check(
    merged: dict[str, Any], places: Mapping[Path, Place], issues: list[Issue], source: str
) -> LoadedValues:
    from k3k_core.values.model import check

    given = drop_nulls(merged)
    values, complaints = check(given)
    refused = {path_of(complaint) for complaint in complaints}
    issues += [issue for one in complaints if (issue := issue_of(one, places)) is not None]
    rest = given
    for path in refused:
        rest = without(rest, path)
    usable = values if values is not None else check(rest)[0]
    found = findings(usable, given, refused) if usable is not None else []
    issues += [finding.issue for finding in found if not finding.warning]
    if issues or values is None:
        raise ValuesError(_sorted(issues, given, places), source=source)
    warnings = [finding.issue for finding in found if finding.warning]
    return LoadedValues(values, given, _sorted(warnings, given, places))


def _sorted(
    issues: Iterable[Issue], given: Mapping[str, Any], places: Mapping[Path, Place]
) -> tuple[Issue, ...]:
    """Issues in the order of the file; then those of values that do not stand in it; then all others."""
    in_file = sorted(places, key=lambda path: (places[path].line, places[path].column))
    order: dict[str, int] = {}
    for path in (*in_file, *walk(given)):
        order.setdefault(display(path), len(order))

    def rank(issue: Issue) -> int:
        path = issue.path
        while path and path not in order:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return order.get(path, len(order)) if path else len(order)

    return tuple(sorted(dict.fromkeys(issues), key=rank))
