"""Where the common settings come from: flag, then environment, then configuration file, then default."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from k3k_core.cli.durations import parse_duration
from k3k_core.errors import UsageError

REQUEST_TIMEOUT = 30.0
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the common options come to.

    Attributes:
        contexts: contexts asked for; empty means the kubeconfig's current one.
        all_contexts: every context of the kubeconfig.
        kubeconfig: path or paths as in $KUBECONFIG; None for the usual places.
        namespace: None when nothing was said.
        all_namespaces: all namespaces were asked for.
        output: output format, "" for a verb without.
        request_timeout: seconds one request may take.
        no_color: colours were refused.
        quiet: only errors, warnings and data.
        verbose: say more.
    """

    contexts: tuple[str, ...] = ()
    all_contexts: bool = False
    kubeconfig: str | None = None
    namespace: str | None = None
    all_namespaces: bool = False
    output: str = ""
    request_timeout: float = REQUEST_TIMEOUT
    no_color: bool = False
    quiet: bool = False
    verbose: bool = False

    @property
    def context(self) -> str | None:
        """The one context asked for, None for the current one."""
        return self.contexts[0] if self.contexts else None


def _boolean(value: Any) -> bool:
    text = str(value).strip().lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    raise ValueError(f"{value!r} is neither true nor false")


def _text(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("a non-empty text is expected")


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(item) for item in value) if isinstance(value, list) else (_text(value),)


def _duration(value: Any) -> float:
    return parse_duration(str(value))


def _format(value: Any) -> str:
    from k3k_core.cli.options import FORMATS

    if value in FORMATS:
        return str(value)
    raise ValueError(f"{value!r} is no output format; there are {', '.join(FORMATS)}")


# Belongs to the dashboard, which reads it itself and opens with the usual when something in it makes no sense.
_ELSEWHERE = frozenset({"tui"})

# Name in the configuration file; in the environment it is K3K_ and the name in capitals.
_READERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "context": ("contexts", _texts),
    "all_contexts": ("all_contexts", _boolean),
    "kubeconfig": ("kubeconfig", _text),
    "namespace": ("namespace", _text),
    "output": ("output", _format),
    "request_timeout": ("request_timeout", _duration),
    "no_color": ("no_color", _boolean),
    "quiet": ("quiet", _boolean),
    "verbose": ("verbose", _boolean),
}


def config_path(environ: Mapping[str, str]) -> Path:
    """Return where the configuration file is or would be.

    Args:
        environ: K3K_CONFIG names another place.
    """
    if environ.get("K3K_CONFIG"):
        return Path(environ["K3K_CONFIG"])
    import platformdirs

    return Path(platformdirs.user_config_dir("k3k")) / "config.yaml"


def load_config(path: Path, *, required: bool) -> dict[str, Any]:
    """Read the configuration file.

    Args:
        path: a YAML mapping; see docs/cli.md for its keys.
        required: it was named by the user, so it must exist.

    Raises:
        UsageError: it cannot be read, is no mapping, or holds an unknown key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if required:
            raise UsageError(
                f"The configuration file {path} does not exist.", hint="Check K3K_CONFIG."
            ) from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"The configuration file {path} cannot be read: {reason}.") from None
    import yaml

    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        raise UsageError(
            f"The configuration file {path} is not valid YAML{where}.",
            hint="Check the indentation, the brackets and the quotes there.",
        ) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"The configuration file {path} holds no mapping of settings.")
    for key in content:
        if key not in _READERS and key not in _ELSEWHERE:
            known = [*_READERS, *sorted(_ELSEWHERE)]
            meant = get_close_matches(str(key), known, n=1)
            advice = f"Did you mean {meant[0]!r}?" if meant else f"There are {', '.join(known)}."
            raise UsageError(f"The configuration file {path} has an unknown setting {key!r}.", hint=advice)
    return content


def _read(raw: Any, reader: Callable[[Any], Any], origin: str) -> Any:
    try:
        return reader(raw)
    except ValueError as error:
        raise UsageError(f"{origin}: {error}.") from None


def resolve(
    own: Mapping[str, Any],
    outer: Mapping[str, Any],
    *,
    environ: Mapping[str, str] | None = None,
    outputs: Sequence[str] = (),
    many_hosts: bool = False,
) -> Settings:
    """Bring the sources together.

    Args:
        own: common options given after the verb, None or () where not given.
        outer: common options given before the verb.
        environ: environment variables, the process's unless told.
        outputs: formats the verb has, default first.
        many_hosts: the verb can work on several hosts.

    Raises:
        UsageError: a value makes no sense, or not for this verb.
    """
    environ = os.environ if environ is None else environ
    found: dict[str, Any] = {}
    for layer in (_configured(environ), _in_environment(environ), _given(outer), _given(own)):
        # Whoever names contexts in a stronger place does not want all of them, and the other way round.
        if layer.get("contexts"):
            found.pop("all_contexts", None)
        if layer.get("all_contexts"):
            found.pop("contexts", None)
        found.update(layer)
    asked = own.get("output") or outer.get("output")
    if asked and asked not in outputs:
        choices = f"it has {', '.join(outputs)}" if outputs else "it has no -o"
        raise UsageError(f"This command has no output format {asked!r}; {choices}.")
    if found.get("output") not in outputs:
        # A configured preference for one format is no mistake on a verb that lacks it.
        found["output"] = outputs[0] if outputs else ""
    settings = Settings(**found)
    _check({**_given(outer), **_given(own)}, settings, many_hosts=many_hosts)
    return settings


def _configured(environ: Mapping[str, str]) -> dict[str, Any]:
    path = config_path(environ)
    config = load_config(path, required=bool(environ.get("K3K_CONFIG")))
    return {
        attribute: _read(config[key], reader, f"{path}: {key}")
        for key, (attribute, reader) in _READERS.items()
        if key in config
    }


def _in_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        attribute: _read(environ[variable], reader, variable)
        for key, (attribute, reader) in _READERS.items()
        if environ.get(variable := f"K3K_{key.upper()}")
    }


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name for field in fields(Settings)}
    return {name: value for name, value in options.items() if name in known and value not in (None, ())}


def _check(given: Mapping[str, Any], settings: Settings, *, many_hosts: bool) -> None:
    if not many_hosts and (len(settings.contexts) > 1 or given.get("all_contexts")):
        raise UsageError("This command works on one host; name one --context.")
    if given.get("contexts") and given.get("all_contexts"):
        raise UsageError("--context and --all-contexts exclude each other.")
    if given.get("namespace") and given.get("all_namespaces"):
        raise UsageError("--namespace and --all-namespaces exclude each other.")
