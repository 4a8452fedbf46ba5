"""Changing a draft from its fields and from its YAML: two views of one text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

from k3k_core.errors import ValuesError
from k3k_core.values.document import read_document
from k3k_core.values.paths import display, without
from k3k_core.values.secrets import SECRET_PATHS, join_secrets, split_secrets
from k3k_tui.drafts import Draft
from k3k_tui.forms.model.fields import (
    HOST,
    NAME,
    NAMESPACE,
    PRESET,
    SETTLED,
    Field,
    Path,
    field_of,
)
from k3k_tui.forms.model.texts import MISSING, parse, show
from k3k_tui.forms.model.yaml_text import canonical, with_value


def with_field(draft: Draft, field: Field, text: str) -> Draft:
    """Return the draft after something was typed into a field.

    A value that is what it would be anyway is left out, unless saying it means something.

    Args:
        draft: before.
        field: the field.
        text: all that stands in it now.
    """
    if field.about_target:
        return _with_target(draft, field.key, text.strip())
    if field.kind == "secret":
        others = {key: secret for key, secret in draft.secrets.items() if key != field.key}
        return replace(draft, secrets={**others, field.key: text} if text else others)
    value = parse(field, text)
    if _says_nothing(draft.preset, field, value):
        value = MISSING
    return replace(draft, text=with_value(draft.text, field.path, value))


def _with_target(draft: Draft, key: str, text: str) -> Draft:
    if key == HOST:
        return replace(draft, host=text)
    if key == NAMESPACE:
        return replace(draft, namespace=text)
    return replace(draft, name=text) if key == NAME else replace(draft, preset=text)


# Every field asks for the same text after every key.
@lru_cache(maxsize=2)
def _tree(text: str) -> dict[str, Any]:
    return read_document(text).tree


def _says_nothing(preset: str, field: Field, value: Any) -> bool:
    below = from_preset(preset, field)
    if value is None or field.path in SETTLED:
        return value is None and below in (MISSING, None)
    return bool(value == inherited(preset, field))


def text_of(draft: Draft, field: Field) -> str:
    """Return what stands in a field; nothing when its value is left out.

    Args:
        draft: the draft.
        field: the field.
    """
    if field.about_target:
        texts = {HOST: draft.host, NAMESPACE: draft.namespace, NAME: draft.name, PRESET: draft.preset}
        return texts[field.key]
    if field.kind == "secret":
        return draft.secrets.get(field.key, "")
    return show(field, value_at(_tree(draft.text), field.path))


def value_at(tree: Any, path: Path) -> Any:
    """Return what stands at a path of a tree; `MISSING` for nothing.

    Args:
        tree: of values.
        path: the path.
    """
    for step in path:
        if not isinstance(tree, Mapping) or step not in tree:
            return MISSING
        tree = tree[step]
    return tree


def inherited(preset: str, field: Field) -> Any:
    """Return the value a field has when it is left out: the preset's, else the default; None for none.

    Args:
        preset: name of the preset; one that does not exist sets nothing.
        field: the field.
    """
    value = from_preset(preset, field)
    return field.default if value in (MISSING, None) else value


def from_preset(preset: str, field: Field) -> Any:
    """Return what a preset says about a field; `MISSING` for nothing.

    Args:
        preset: name of the preset; one that does not exist says nothing.
        field: the field.
    """
    return value_at(_preset(preset), field.path)


@cache
def _preset(name: str) -> dict[str, Any]:
    from k3k_core.values import PRESETS, preset_text

    return read_document(preset_text(name)).tree if name in PRESETS else {}


def with_yaml(draft: Draft, text: str) -> Draft:
    """Return the draft after its YAML was changed.

    Args:
        draft: before.
        text: all of the YAML; secrets in it stay in it until `hide_secrets`.
    """
    return replace(draft, text=text)


def hide_secrets(draft: Draft) -> Draft:
    """Return the draft with the secrets that were written into its YAML kept apart from it.

    Args:
        draft: the draft.
    """
    document = read_document(draft.text)
    _rest, secrets = split_secrets(document.tree)
    text = draft.text
    for path in SECRET_PATHS:
        if display(path) in secrets:
            text = with_value(text, tuple(str(step) for step in path), MISSING)
    return replace(draft, text=text, secrets={**draft.secrets, **secrets}) if secrets else draft


def stored_draft(host: str, namespace: str, name: str, text: str) -> Draft:
    """Return a draft of the values that a host keeps of a control plane.

    It keeps all of them; a draft has those that are not what they would be anyway, and those that a create
    settles. What stands for the address of a datastore stays with the secrets.

    Args:
        host: name of the host.
        namespace: namespace there.
        name: of the control plane.
        text: what its Secret holds.
    """
    tree, secrets = split_secrets(read_document(text).tree)
    for path in tuple(_leaves(tree, ())):
        if path not in SETTLED and _is_default(tree, secrets, path):
            tree = without(tree, path)
    return Draft(host, namespace, name, text=canonical(_without_empty(tree)), secrets=secrets)


def _leaves(tree: Mapping[str, Any], above: Path) -> Iterator[Path]:
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key)


def _is_default(tree: dict[str, Any], secrets: Mapping[str, str], path: Path) -> bool:
    from k3k_core.values import load_given

    value = value_at(tree, path)
    field = field_of(".".join(path))
    if field is not None and field.default is not None:
        return bool(value == field.default)
    # Some defaults follow from other values, as the address of the DNS does.
    try:
        left_out = load_given(join_secrets(without(tree, path), secrets))
    except ValuesError:
        return False
    return bool(value_at(left_out.values.model_dump(mode="json"), path) == value)


def _without_empty(tree: Mapping[str, Any]) -> dict[str, Any]:
    inner = {
        key: _without_empty(value) if isinstance(value, Mapping) else value for key, value in tree.items()
    }
    return {key: value for key, value in inner.items() if value != {}}
