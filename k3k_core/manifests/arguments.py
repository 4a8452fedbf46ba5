"""Flags of `k3s server` that a user adds to those that k3k writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Flags that may be given several times, each time adding to the list (k3s server --help).
_LIST_FLAGS = frozenset(
    {
        "disable",
        "helm-controller-arg",
        "kube-apiserver-arg",
        "kube-cloud-controller-manager-arg",
        "kube-controller-manager-arg",
        "kube-scheduler-arg",
        "tls-san",
    }
)


def merge_extra_args(config: Mapping[str, Any], extra_args: Sequence[str]) -> dict[str, Any]:
    """Return a k3s configuration with extra flags put into it.

    They go into the file and not onto the command line, because k3s' code and its documentation differ in
    what a list does that is given in both. Flags that make lists add to the list that is there, each entry
    once; of other flags the last one counts.

    Args:
        config: configuration as k3k writes it.
        extra_args: `--flag` or `--flag=value` each.
    """
    merged = {key: list(value) if isinstance(value, list) else value for key, value in config.items()}
    for argument in extra_args:
        head, equals, value = argument.partition("=")
        flag = head.lstrip("-")
        if flag not in _LIST_FLAGS:
            merged[flag] = _scalar(value) if equals else True
        elif value not in (entries := merged.setdefault(flag, [])):
            entries.append(value)
    return merged


def _scalar(text: str) -> str | bool:
    return {"true": True, "false": False}.get(text, text)
