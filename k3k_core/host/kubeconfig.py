"""Kubeconfig files, read as kubectl reads them; nothing is ever written.

Format: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/. Merging several files follows
https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files:
the first file to set a value or an entry wins.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from k3k_core.errors import UsageError
from k3k_core.host.api import HostOptions
from k3k_core.nesting import nested_too_deeply

DEFAULT_PATH = "~/.kube/config"
_NO_HOST_HINT = "Give --kubeconfig FILE, set KUBECONFIG, or start a host to try k3k on with `k3k sandbox up`."


@dataclass(frozen=True, slots=True)
class Context:
    """One context of the user's kubeconfig, as `k3k hosts` lists it.

    Attributes:
        name: the context's name.
        server: the API server's URL, "" when the context names a cluster that does not exist.
        current: whether it is the current context.
        namespace: its default namespace.
    """

    name: str
    server: str
    current: bool
    namespace: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A named entry of a kubeconfig and the folder its relative paths start from."""

    name: str
    content: Mapping[str, Any]
    folder: Path
    source: str


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """One or more kubeconfig files, merged.

    Attributes:
        sources: the files that were read.
        current: name of the current context, or "".
    """

    sources: tuple[str, ...]
    current: str
    contexts: Mapping[str, Entry]
    clusters: Mapping[str, Entry]
    users: Mapping[str, Entry]

    def select(self, name: str | None) -> Entry:
        """Return a context's entry.

        Args:
            name: its name; None means the current one.

        Raises:
            UsageError: there is no such context, or no current one.
        """
        wanted = name or self.current
        if wanted in self.contexts:
            return self.contexts[wanted]
        source = ", ".join(self.sources)
        known = ", ".join(sorted(self.contexts)) or "none"
        if not wanted:
            raise UsageError(
                f"Kubeconfig {source} has no current context.",
                hint=f"Choose one with --context; known: {known}.",
            )
        raise UsageError(f"Kubeconfig {source} has no context {wanted!r}.", hint=f"Known contexts: {known}.")


def load_kubeconfig(options: HostOptions, environ: Mapping[str, str]) -> Kubeconfig | None:
    """Read the kubeconfig files that apply.

    Args:
        options: what the user asked for.
        environ: the environment, for `KUBECONFIG`.

    Returns:
        The merged files, or None when nothing was asked for and no file exists.

    Raises:
        UsageError: a file that was asked for is missing, or one cannot be read or understood.
    """
    chosen = options.kubeconfig or environ.get("KUBECONFIG") or DEFAULT_PATH
    paths = [Path(part).expanduser() for part in chosen.split(os.pathsep) if part]
    files = [_read(path) for path in paths if path.exists()]
    if files:
        return _merge(files)
    if options.kubeconfig:
        missing = ", ".join(map(str, paths)) or "(an empty path)"
        raise UsageError(f"Kubeconfig {missing} does not exist.", hint=_NO_HOST_HINT)
    return None


def hosts(options: HostOptions, environ: Mapping[str, str] = os.environ) -> list[Context]:
    """Return the contexts there are, in the files' order, without contacting anything.

    Raises:
        UsageError: as `load_kubeconfig`.
    """
    config = load_kubeconfig(options, environ)
    if config is None:
        return []
    return [_summary(config, entry) for entry in config.contexts.values()]


def no_host(environ: Mapping[str, str]) -> UsageError:
    """Return the error for "there is no kubeconfig, and this is no pod"."""
    looked_at = environ.get("KUBECONFIG") or DEFAULT_PATH
    return UsageError(
        f"There is no host to talk to: kubeconfig {looked_at} does not exist.", hint=_NO_HOST_HINT
    )


def text(entry: Entry, key: str) -> str:
    """Return a string field of an entry, "" when it is missing.

    Raises:
        UsageError: it is something else than a string; the message does not repeat it.
    """
    value = entry.content.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UsageError(f"Kubeconfig {entry.source}: {key} of {entry.name!r} must be a string.")
    return value


def texts(entry: Entry, content: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return a list of scalars inside an entry as strings, () when it is missing.

    Raises:
        UsageError: it is something else than a list of scalars; the message does not repeat it.
    """
    listed = content.get(key) or []
    if not isinstance(listed, list) or not all(isinstance(item, str | int | float) for item in listed):
        raise UsageError(f"Kubeconfig {entry.source}: {key} of {entry.name!r} must be a list of strings.")
    return tuple(str(item) for item in listed)


def _summary(config: Kubeconfig, context: Entry) -> Context:
    cluster = config.clusters.get(text(context, "cluster"))
    return Context(
        name=context.name,
        server=text(cluster, "server") if cluster else "",
        current=context.name == config.current,
        namespace=text(context, "namespace") or "default",
    )


def _read(path: Path) -> tuple[Path, Mapping[str, Any]]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        written = path.read_text(encoding="utf-8")
        if nested_too_deeply(written, loader=loader):
            raise UsageError(f"Kubeconfig {path} is nested too deeply.")
        content = yaml.load(written, Loader=loader)  # noqa: S506 - a safe loader
    except OSError as error:
        raise UsageError(f"Kubeconfig {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"Kubeconfig {path} is not a text file.") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        # The parser's own words may quote the file, and with it a secret.
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise UsageError(f"Kubeconfig {path} is not valid YAML{where}.") from None
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise UsageError(
            f"Kubeconfig {path} is not a kubeconfig: it must be a mapping with clusters and contexts."
        )
    return path, cast("Mapping[str, Any]", content)


def _merge(files: list[tuple[Path, Mapping[str, Any]]]) -> Kubeconfig:
    current = ""
    merged: dict[str, dict[str, Entry]] = {"context": {}, "cluster": {}, "user": {}}
    for path, content in files:
        value = content.get("current-context") or ""
        if not isinstance(value, str):
            raise UsageError(f"Kubeconfig {path}: current-context must be a string.")
        current = current or value
        for kind, entries in merged.items():
            for entry in _entries(path, content, kind):
                entries.setdefault(entry.name, entry)
    return Kubeconfig(
        sources=tuple(str(path) for path, _ in files),
        current=current,
        contexts=merged["context"],
        clusters=merged["cluster"],
        users=merged["user"],
    )


def _entries(path: Path, content: Mapping[str, Any], kind: str) -> list[Entry]:
    listed = content.get(f"{kind}s") or []
    if not isinstance(listed, list):
        raise UsageError(f"Kubeconfig {path}: {kind}s must be a list.")
    return [_entry(path, item, kind) for item in listed]


def _entry(path: Path, item: object, kind: str) -> Entry:
    name = item.get("name") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(name, str):
        raise UsageError(f"Kubeconfig {path}: every one of the {kind}s needs a name.")
    content = item.get(kind) or {}
    if not isinstance(content, dict):
        raise UsageError(f"Kubeconfig {path}: {kind} {name!r} must be a mapping.")
    return Entry(name, content, path.absolute().parent, str(path))
