"""How k3s reads its command line, its configuration file and its environment.

File values come first, then the command line: a later scalar wins, lists add up. Keys of the file that are no
flags are skipped with a warning; flags of the command line that are none end the program
(https://docs.k3s.io/installation/configuration).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from k3k_core.sandbox.k3s.flags import LISTS, SCALARS, SWITCHES
from k3k_core.sandbox.node.process import StartError

Read = Callable[[str], str | None]

_SHORT = {"c": "config", "t": "token", "d": "data-dir", "o": "write-kubeconfig"}
_ENVIRONMENT = {
    "K3S_TOKEN": "token",
    "K3S_TOKEN_FILE": "token-file",
    "K3S_AGENT_TOKEN": "agent-token",
    "K3S_AGENT_TOKEN_FILE": "agent-token-file",
    "K3S_DATA_DIR": "data-dir",
    "K3S_DATASTORE_ENDPOINT": "datastore-endpoint",
    "K3S_DATASTORE_CAFILE": "datastore-cafile",
    "K3S_DATASTORE_CERTFILE": "datastore-certfile",
    "K3S_DATASTORE_KEYFILE": "datastore-keyfile",
    "K3S_NODE_NAME": "node-name",
}
_DEFAULT_FILE = "/etc/rancher/k3s/config.yaml"
_EGRESS_MODES = frozenset(("agent", "pod", "cluster", "disabled"))


@dataclass(frozen=True, slots=True)
class K3sConfig:
    """What a k3s server was told.

    Attributes:
        scalars: flags that hold one value (secrets among them, so they are kept out of `repr`).
        lists: flags that hold several.
        switches: flags that are on.
        warnings: lines k3s logs about its configuration.
    """

    scalars: Mapping[str, str] = field(repr=False)
    lists: Mapping[str, tuple[str, ...]]
    switches: frozenset[str]
    warnings: tuple[str, ...] = ()

    def get(self, flag: str, default: str = "") -> str:
        """Return a scalar flag, or the default when it is not given."""
        return self.scalars.get(flag) or default

    def port(self) -> int:
        """Return the port of the API and the supervisor."""
        return int(self.get("https-listen-port", "6443"))

    def data_dir(self) -> str:
        """Return the directory k3s keeps its state in."""
        return self.get("data-dir", "/var/lib/rancher/k3s")

    def apiserver_arg(self, name: str) -> str | None:
        """Return the last value given to the API server for one of its own flags."""
        found = None
        for argument in self.lists.get("kube-apiserver-arg", ()):
            key, _, value = argument.removeprefix("--").partition("=")
            if key == name:
                found = value
        return found

    def all_of(self, flag: str) -> tuple[str, ...]:
        """Return a list flag, each value split at commas as k3s does for names and addresses."""
        return tuple(part.strip() for value in self.lists.get(flag, ()) for part in value.split(",") if part)


def read_config(arguments: Sequence[str], variables: Mapping[str, str], read: Read) -> K3sConfig:
    """Read the configuration of `k3s server`.

    Args:
        arguments: the arguments after the word `server`.
        variables: the environment.
        read: returns the text of a file, None when there is none.

    Raises:
        StartError: k3s would not start with it.
    """
    collected = _Collected()
    for variable, flag in _ENVIRONMENT.items():
        if variables.get(variable):
            collected.add(flag, variables[variable])
    command_line = _split_arguments(arguments)
    named = variables.get("K3S_CONFIG_FILE") or next(
        (value for flag, value in reversed(command_line) if flag == "config"), _DEFAULT_FILE
    )
    text = read(named)
    if text is not None:
        collected.add_file(named, text)
    for flag, value in command_line:
        collected.add(flag, value)
    config = collected.finish()
    _check(config)
    return config


class _Collected:
    def __init__(self) -> None:
        self._scalars: dict[str, str] = {}
        self._lists: dict[str, list[str]] = {}
        self._switches: dict[str, bool] = {}
        self._warnings: list[str] = []

    def add(self, flag: str, value: str) -> None:
        if flag in SWITCHES:
            if value.lower() not in {"true", "false", "1", "0"}:
                raise StartError(f'invalid boolean value "{value}" for -{flag}: parse error')
            self._switches[flag] = value.lower() in {"true", "1"}
        elif flag in LISTS:
            self._lists.setdefault(flag, []).append(value)
        else:
            self._scalars[flag] = value

    def add_file(self, name: str, text: str) -> None:
        import yaml

        try:
            parsed = yaml.safe_load(text)
        except yaml.YAMLError as error:
            line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
            raise StartError(f"failed to parse {name}: yaml: line {line}: {_problem(error)}") from None
        if parsed is None:
            return
        if not isinstance(parsed, dict):
            raise StartError(
                f"failed to parse {name}: yaml: unmarshal errors: cannot unmarshal into yaml.MapSlice"
            )
        for key, value in parsed.items():
            self._add_key(str(key), value)

    def _add_key(self, key: str, value: Any) -> None:
        flag = key.removesuffix("+")
        if flag not in SWITCHES | LISTS | SCALARS:
            self._warnings.append(f"Unknown flag --{key} found in config.yaml, skipping")
            return
        values = value if isinstance(value, list) else [value]
        for item in values:
            self.add(flag, str(item).lower() if isinstance(item, bool) else str(item))

    def finish(self) -> K3sConfig:
        return K3sConfig(
            scalars=self._scalars,
            lists={flag: tuple(values) for flag, values in self._lists.items()},
            switches=frozenset(flag for flag, on in self._switches.items() if on),
            warnings=tuple(self._warnings),
        )


def _problem(error: Exception) -> str:
    return str(getattr(error, "problem", None) or "could not be read")


def _split_arguments(arguments: Sequence[str]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("-"):
            continue
        name, equals, value = word.lstrip("-").partition("=")
        flag = _SHORT.get(name, name)
        if flag not in SWITCHES | LISTS | SCALARS:
            raise StartError(f"flag provided but not defined: -{name}")
        if not equals:
            if flag in SWITCHES:
                value = "true"
            elif not waiting:
                raise StartError(f"flag needs an argument: -{name}")
            else:
                value = waiting.pop(0)
        pairs.append((flag, value))
    return pairs


def _check(config: K3sConfig) -> None:
    for flag in ("cluster-cidr", "service-cidr"):
        for text in config.all_of(flag):
            try:
                ipaddress.ip_network(text, strict=False)
            except ValueError:
                raise StartError(f"invalid {flag} {text}: invalid CIDR address: {text}") from None
    services = [
        ipaddress.ip_network(text, strict=False)
        for text in config.all_of("service-cidr") or ("10.43.0.0/16",)
    ]
    for text in config.all_of("cluster-dns"):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            raise StartError(f"invalid cluster-dns address: {text}") from None
        if not any(address in network for network in services):
            raise StartError(f"cluster-dns {text} is not within the service-cidr")
    mode = config.get("egress-selector-mode", "agent")
    if mode not in _EGRESS_MODES:
        raise StartError(f"invalid egress-selector-mode {mode}")
    for flag in ("https-listen-port", "advertise-port"):
        if config.get(flag) and not config.get(flag).isdigit():
            raise StartError(f'invalid value "{config.get(flag)}" for flag -{flag}: parse error')
