"""A draft as a file of its own, and as the command that does the same."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import yaml

from k3k_core.values.document import read_document
from k3k_core.values.paths import display
from k3k_core.values.secrets import SECRET_PATHS
from k3k_tui.drafts import Draft
from k3k_tui.forms.model.fields import Path
from k3k_tui.forms.model.yaml_text import with_value

if TYPE_CHECKING:
    from k3k_core.host import HostOptions

# A longer command is no help; a file is.
_MOST_ASSIGNMENTS = 8


def file_text(draft: Draft, *, secrets: bool, path: str) -> str:
    """Return a values file that makes the same control plane.

    Args:
        draft: what was filled in.
        secrets: whether its secrets are written too.
        path: where it is to be saved, for the command in its first lines.
    """
    text = draft.text
    for at in SECRET_PATHS:
        secret = draft.secrets.get(display(at)) if secrets else None
        if secret is not None:
            text = with_value(text, tuple(str(step) for step in at), secret)
    head = [f"# Values of the control plane {draft.namespace}/{draft.name}."] if draft.name else []
    head += [f"#   {_words(_target_words(draft), '-f', path)}"] if draft.name else []
    if draft.secrets and not secrets:
        head.append(f"# Left out, because they are secret: {', '.join(draft.secrets)}.")
    return "".join(f"{line}\n" for line in head) + text


def command(draft: Draft, host: HostOptions | None = None) -> str:
    """Return the `k3k create` that does the same, without secrets.

    Args:
        draft: what was filled in.
        host: how its host is reached; None for the context of its name.
    """
    target = _target_words(draft, host)
    tree = read_document(draft.text).tree
    assignments = list(_assignments(tree, ()))
    if draft.secrets or len(assignments) > _MOST_ASSIGNMENTS:
        return _words(target, "-f", "FILE")
    return _words(target, *(word for one in assignments for word in ("--set", one)))


def _target_words(draft: Draft, host: HostOptions | None = None) -> list[str]:
    words = ["k3k", "create", draft.name, "-n", draft.namespace]
    context = draft.host if host is None else host.context
    words += ["--context", context] if context else []
    words += ["--kubeconfig", host.kubeconfig] if host is not None and host.kubeconfig else []
    return [*words, "--preset", draft.preset] if draft.preset else words


def _words(first: list[str], *more: str) -> str:
    return shlex.join([*first, *more])


def _assignments(tree: Mapping[str, Any], above: Path) -> Iterator[str]:
    for key, value in tree.items():
        path = (*above, key)
        if isinstance(value, dict) and value:
            yield from _assignments(value, path)
        elif value == "":
            yield f"{display(path)}="
        else:
            text = yaml.safe_dump(value, default_flow_style=True, width=1 << 20, allow_unicode=True)
            yield f"{display(path)}={text.removesuffix('...' + chr(10)).strip()}"
