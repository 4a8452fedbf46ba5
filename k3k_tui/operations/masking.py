"""Kubeconfigs as they may be seen by somebody who looks over one's shoulder."""

from __future__ import annotations

from typing import Any

HIDDEN = "(hidden)"
# Everything else may be a secret, whatever made the kubeconfig.
_OPEN = frozenset(
    {
        "apiVersion",
        "kind",
        "name",
        "server",
        "cluster",
        "user",
        "namespace",
        "current-context",
        "tls-server-name",
    }
)


def masked(document: str) -> str:
    """Return a kubeconfig with everything hidden that is not known to be harmless.

    Args:
        document: YAML text.
    """
    import yaml

    from k3k_core.nesting import nested_too_deeply

    try:
        if nested_too_deeply(document, loader=yaml.SafeLoader):
            return HIDDEN
        content = yaml.safe_load(document)
    except (yaml.YAMLError, ValueError, RecursionError):
        return HIDDEN
    return yaml.safe_dump(_masked(content, ""), sort_keys=False, allow_unicode=True)


def _masked(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _masked(content, str(name)) for name, content in value.items()}
    if isinstance(value, list):
        return [_masked(content, key) for content in value]
    return value if key in _OPEN else HIDDEN
