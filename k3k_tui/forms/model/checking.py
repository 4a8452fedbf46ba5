"""What is wrong with a draft, field by field, as k3k's own check of values says it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from k3k_core.errors import Issue, UsageError, ValuesError
from k3k_core.values.document import read_document
from k3k_tui.drafts import Draft
from k3k_tui.forms.model.fields import HOST, NAME, NAMESPACE, field_of

if TYPE_CHECKING:
    from k3k_core.values import LoadedValues, Values


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of a draft found.

    Attributes:
        loaded: the checked values; None while something is wrong with them.
        problems: what is wrong, by key of the field; one sentence with its remedy.
        others: what is wrong and belongs to no field.
        warnings: what is usable but probably not meant, by key of the field; "" for no field.
        readable: whether the YAML can be understood at all.
        effective: every value as it would be, defaults filled in; empty while something is wrong.
        missing: keys of problems that are only that nothing stands there yet.
    """

    loaded: LoadedValues | None = None
    problems: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    warnings: Mapping[str, str] = field(default_factory=dict)
    readable: bool = True
    effective: Mapping[str, Any] = field(default_factory=dict, repr=False)
    missing: frozenset[str] = frozenset()

    @property
    def good(self) -> bool:
        """Whether the draft can be used."""
        return self.loaded is not None and not self.problems and not self.others

    @property
    def count(self) -> int:
        """How many things are wrong."""
        return len(self.problems) + len(self.others)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a draft for a new control plane is checked against.

    Attributes:
        hosts: names of the hosts.
        taken: (host, namespace, name) of the control planes that are known.
    """

    hosts: Collection[str] = ()
    taken: Collection[tuple[str, str, str]] = ()


def check(
    draft: Draft, surroundings: Surroundings | None = None, *, existing: Values | None = None
) -> Checked:
    """Check a draft.

    Args:
        draft: what has been filled in.
        surroundings: what there is already; None leaves out where the control plane goes.
        existing: values of the control plane that is to change; some of them are fixed. None for a new one.
    """
    from k3k_core.values import load_values

    problems = {} if surroundings is None else _target_problems(draft, surroundings)
    warnings = {} if surroundings is None else _target_warnings(draft, surroundings)
    readable = read_document(draft.text).usable
    loaded: LoadedValues | None = None
    issues: tuple[Issue, ...] = ()
    others: list[str] = []
    try:
        loaded = load_values(draft.text, preset=draft.preset or None, overrides=_overrides(draft))
        issues = loaded.warnings
        for issue in () if existing is None else _fixed(existing, loaded):
            problems.setdefault(key_of(issue.path), sentence(issue))
    except ValuesError as error:
        for issue in error.issues:
            key = key_of(issue.path)
            if key:
                problems.setdefault(key, sentence(issue))
            else:
                others.append(sentence(issue, with_path=True))
    except UsageError as error:
        others.append(f"{error.message} {error.hint}")
    for issue in issues:
        warnings.setdefault(key_of(issue.path), sentence(issue))
    effective = loaded.values.model_dump(mode="json") if loaded is not None else {}
    empty = {HOST: draft.host, NAMESPACE: draft.namespace, NAME: draft.name}
    missing = frozenset(key for key, text in empty.items() if key in problems and not text)
    return Checked(loaded, problems, tuple(others), warnings, readable, effective, missing)


def _fixed(existing: Values, loaded: LoadedValues) -> Iterator[Issue]:
    from k3k_core.lifecycle.claim import settled
    from k3k_core.lifecycle.immutable import immutable_changes

    return immutable_changes(existing, settled(existing, loaded))


def key_of(path: str) -> str:
    """Return the key of the field that an issue is about; empty for none.

    Args:
        path: dotted path of the issue, which may lead into a list or mapping.
    """
    while path:
        if field_of(path) is not None:
            return path
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return ""


def sentence(issue: Issue, *, with_path: bool = False) -> str:
    """Return what is wrong and what would be right, as one sentence.

    Args:
        issue: what was found.
        with_path: whether it says where.
    """
    entry = "" if with_path else _entry(issue.path)
    head = f"{issue.path}: " if with_path and issue.path else entry
    text = f"{head}{issue.problem}; {issue.remedy}" if issue.remedy else f"{head}{issue.problem}"
    return text if with_path and issue.path else text[:1].upper() + text[1:]


def _entry(path: str) -> str:
    """Say which entry of a list or mapping an issue is about; nothing for the value as a whole."""
    key = key_of(path)
    below = path[len(key) :].lstrip(".").replace("\\.", ".")
    return f"{below}: " if below else ""


def _overrides(draft: Draft) -> tuple[str, ...]:
    """Write the secrets as texts that nothing in them can break out of."""
    return tuple(
        f"{path}={yaml.safe_dump(secret, default_style=chr(34), width=1 << 20).strip()}"
        for path, secret in draft.secrets.items()
    )


def _target_problems(draft: Draft, surroundings: Surroundings) -> dict[str, str]:
    from k3k_core.names import validate_name, validate_namespace

    problems = {}
    if not draft.host:
        problems[HOST] = "Choose the host it is to run on."
    elif draft.host not in surroundings.hosts:
        problems[HOST] = "There is no such host; `k3k hosts` lists those that k3k knows."
    for key, text, validate in (
        (NAMESPACE, draft.namespace, validate_namespace),
        (NAME, draft.name, validate_name),
    ):
        if not text:
            problems[key] = "It needs one."
            continue
        try:
            validate(text)
        except UsageError as error:
            problems[key] = f"{error.message} {error.hint}"
    return problems


def _target_warnings(draft: Draft, surroundings: Surroundings) -> dict[str, str]:
    if (draft.host, draft.namespace, draft.name) in surroundings.taken:
        return {
            NAME: "It exists already: a create finishes one that was left half-made, and changes nothing else."
        }
    return {}
