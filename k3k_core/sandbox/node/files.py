"""What a container sees of its volumes: which objects they need, and the files they hold."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

Object = Mapping[str, Any]
# Given a kind ("Secret", "ConfigMap") and a name in the pod's namespace.
Lookup = Callable[[str, str], Object | None]

# The projected service-account volume that admission adds; its config map is made by a controller.
_ADMITTED_VOLUME = "kube-api-access-"


@dataclass(frozen=True, slots=True)
class Source:
    """One Secret or ConfigMap a volume takes files from.

    Attributes:
        kind: "Secret" or "ConfigMap".
        name: of the object.
        items: (key, path) pairs; empty for all keys.
        optional: whether it may be absent.
    """

    kind: str
    name: str
    items: tuple[tuple[str, str], ...]
    optional: bool


def _source(kind: str, name: str, spec: Object) -> Source:
    items = tuple((item["key"], item["path"]) for item in spec.get("items") or ())
    return Source(kind, name, items, bool(spec.get("optional")))


def sources(volume: Object) -> Iterator[Source]:
    """Yield the Secrets and ConfigMaps a pod volume takes its files from."""
    if "secret" in volume:
        yield _source("Secret", volume["secret"].get("secretName", ""), volume["secret"])
    if "configMap" in volume:
        yield _source("ConfigMap", volume["configMap"].get("name", ""), volume["configMap"])
    for projection in (volume.get("projected") or {}).get("sources") or ():
        if "secret" in projection:
            yield _source("Secret", projection["secret"].get("name", ""), projection["secret"])
        if "configMap" in projection:
            yield _source("ConfigMap", projection["configMap"].get("name", ""), projection["configMap"])


def contents(source: Object) -> dict[str, str]:
    """Return the keys of a Secret or ConfigMap as text."""
    if source.get("kind") == "ConfigMap" or "binaryData" in source:
        return dict(source.get("data") or {})
    decoded: dict[str, str] = {}
    for key, value in (source.get("data") or {}).items():
        try:
            decoded[key] = base64.b64decode(value).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            decoded[key] = ""
    return decoded


def missing_objects(pod_spec: Object, lookup: Lookup) -> list[tuple[str, str]]:
    """Return (volume name, what is missing) for every volume that cannot be set up.

    Args:
        pod_spec: `spec` of the pod.
        lookup: finds objects in the pod's namespace.
    """
    missing: list[tuple[str, str]] = []
    for volume in pod_spec.get("volumes") or ():
        if volume["name"].startswith(_ADMITTED_VOLUME):
            continue
        problem = next(filter(None, (_problem(source, lookup) for source in sources(volume))), None)
        if problem:
            missing.append((volume["name"], problem))
    return missing


def _problem(source: Source, lookup: Lookup) -> str | None:
    found = lookup(source.kind, source.name)
    if found is None:
        return None if source.optional else f'{source.kind.lower()} "{source.name}" not found'
    data = contents(found)
    noun = "secret" if source.kind == "Secret" else "config"
    for key, _ in source.items:
        if key not in data and not source.optional:
            return f"references non-existent {noun} key: {key}"
    return None


def _volume_files(volume: Object, lookup: Lookup) -> dict[str, str]:
    files: dict[str, str] = {}
    for source in sources(volume):
        found = lookup(source.kind, source.name)
        if found is None:
            continue
        data = contents(found)
        pairs = source.items or tuple((key, key) for key in data)
        files.update({path: data[key] for key, path in pairs if key in data})
    return files


class ContainerFiles:
    """The mounted files of one container, by absolute path.

    Args:
        pod_spec: `spec` of the pod.
        container: the container in it.
        lookup: finds Secrets and ConfigMaps in the pod's namespace.
    """

    def __init__(self, pod_spec: Object, container: Object, lookup: Lookup) -> None:
        volumes = {volume["name"]: volume for volume in pod_spec.get("volumes") or ()}
        self._files: dict[str, str] = {}
        self._mounts: dict[PurePosixPath, tuple[str, bool]] = {}
        self._sub_paths: dict[PurePosixPath, str] = {}
        context = container.get("securityContext") or {}
        self._root_writable = not context.get("readOnlyRootFilesystem")
        for mount in container.get("volumeMounts") or ():
            volume = volumes.get(mount["name"], {})
            self._mount(mount, volume, _volume_files(volume, lookup))

    def _mount(self, mount: Object, volume: Object, files: Mapping[str, str]) -> None:
        target = PurePosixPath(mount["mountPath"])
        sub_path = mount.get("subPath", "")
        writable = bool({"emptyDir", "persistentVolumeClaim", "ephemeral", "hostPath"} & set(volume))
        self._mounts[target] = (mount["name"], writable and not mount.get("readOnly"))
        self._sub_paths[target] = sub_path
        for name, text in files.items():
            if not sub_path:
                self._files[str(target / name)] = text
            elif name == sub_path:
                self._files[str(target)] = text
            elif name.startswith(f"{sub_path}/"):
                self._files[str(target / name.removeprefix(f"{sub_path}/"))] = text

    def read(self, path: str) -> str | None:
        """Return the text of a mounted file, None when there is none."""
        return self._files.get(str(PurePosixPath(path)))

    def under(self, directory: str) -> dict[str, str]:
        """Return the mounted files below a directory, by their path relative to it."""
        prefix = f"{PurePosixPath(directory)}/"
        return {
            path.removeprefix(prefix): text for path, text in self._files.items() if path.startswith(prefix)
        }

    def directories(self) -> list[dict[str, str]]:
        """Return the mounted files of every mount, by their path relative to the mount."""
        return [self.under(str(target)) for target in self._mounts]

    def volume_at(self, path: str) -> str | None:
        """Return the name of the volume a path lies on, None for the container's own file system."""
        mount = self._mount_of(path)
        return self._mounts[mount][0] if mount is not None else None

    def path_on_volume(self, path: str) -> str:
        """Return a path as its volume has it; without the first "/" where it lies on none."""
        mount = self._mount_of(path)
        if mount is None:
            return str(PurePosixPath(path)).lstrip("/")
        inside = PurePosixPath(self._sub_paths[mount]) / PurePosixPath(path).relative_to(mount)
        return "" if str(inside) == "." else str(inside)

    def writable(self, path: str) -> bool:
        """Whether the container can write below a path."""
        mount = self._mount_of(path)
        return self._mounts[mount][1] if mount is not None else self._root_writable

    def _mount_of(self, path: str) -> PurePosixPath | None:
        wanted = PurePosixPath(path)
        holding = [mount for mount in self._mounts if wanted == mount or mount in wanted.parents]
        return max(holding, key=lambda mount: len(mount.parts), default=None)


def environment(pod: Object, container: Object, lookup: Lookup) -> tuple[dict[str, str], list[str]]:
    """Return the environment of a container, and what is missing to build it.

    Args:
        pod: the pod.
        container: of the pod.
        lookup: finds Secrets and ConfigMaps in the pod's namespace.

    Returns:
        The variables; and one sentence for every required object or key that does not exist.
    """
    variables: dict[str, str] = {}
    problems: list[str] = []
    for entry in container.get("env") or ():
        reference = entry.get("valueFrom") or {}
        if not reference:
            variables[entry["name"]] = _filled_in(entry.get("value", ""), variables)
            continue
        if "fieldRef" in reference:
            variables[entry["name"]] = _field(pod, reference["fieldRef"]["fieldPath"])
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            if field not in reference:
                continue
            wanted = reference[field]
            found = lookup(kind, wanted["name"])
            data = contents(found) if found is not None else {}
            if wanted["key"] in data:
                variables[entry["name"]] = data[wanted["key"]]
            elif not wanted.get("optional"):
                noun = kind.lower()
                problems.append(
                    f'{noun} "{wanted["name"]}" not found'
                    if found is None
                    else f"couldn't find key {wanted['key']} in {kind}"
                )
    return variables, problems


def _field(pod: Object, path: str) -> str:
    """Return a field of a pod that a variable may hold, e.g. `metadata.name`."""
    part, _, name = path.partition(".")
    return str(pod.get(part, {}).get(name, ""))


def _filled_in(text: str, variables: Mapping[str, str]) -> str:
    """Return a value with the variables before it put in for `$(NAME)`; unknown ones and `$$(NAME)` stay."""
    return re.sub(
        r"\$\$\((\w+)\)|\$\((\w+)\)",
        lambda found: found[0][1:] if found[1] else variables.get(found[2], found[0]),
        text,
    )
