"""Custom resources: CRD lifecycle, pruning, defaulting and validation by their structural schema."""

from __future__ import annotations

from typing import Any

from k3k_core.resources import Resource
from k3k_core.sandbox.api import managedfields, openapi_validation
from k3k_core.sandbox.api.managedfields import Writer
from k3k_core.sandbox.api.objects import clone, timestamp
from k3k_core.sandbox.api.registry import CUSTOM_VERBS, STATUS_VERBS, Definition, Registry, Subresource
from k3k_core.sandbox.api.schema import DEDUCED, Type, builtin_type, custom_type, object_meta_type
from k3k_core.sandbox.api.statuses import FieldError, forbidden
from k3k_core.sandbox.api.store import Store

Json = dict[str, Any]

CRD = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
_FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
_TOP = frozenset({"apiVersion", "kind", "metadata"})
# What the real server calls the types of decoded JSON.
_GO_TYPES = {str: "string", float: "float64", bool: "bool", list: "[]interface {}"}


class CustomResources:
    """The custom resource types of one server, following the CRDs in its store.

    Args:
        store: the objects.
        registry: gets a definition for each served version.
    """

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry
        self._versions: dict[tuple[str, str, str], Json] = {}
        self._types: dict[tuple[str, str, str], Type] = {}
        for crd in store.list(CRD):
            self._serve(crd)

    # Lifecycle

    def after_write(self, definition: Definition, obj: Json) -> None:
        """Serve what a CRD says; accept its names the first time."""
        if definition.resource != CRD:
            self._finish_termination()
            return
        if "deletionTimestamp" in obj["metadata"]:
            return
        self._serve(obj)
        if not (obj.get("status") or {}).get("conditions"):
            self._establish(obj)

    def after_delete(self, definition: Definition) -> None:
        """Finish the deletion of CRDs whose last object went away."""
        if definition.custom:
            self._finish_termination()

    def terminate(self, crd: Json) -> Json:
        """Begin the deletion of a CRD: mark it, delete its objects; returns it as it is answered."""
        changed = clone(crd)
        now = timestamp(self._store.now())
        changed["metadata"]["deletionTimestamp"] = now
        finalizers = changed["metadata"].setdefault("finalizers", [])
        if _FINALIZER not in finalizers:
            finalizers.append(_FINALIZER)
        conditions = changed["status"].get("conditions") or []
        changed["status"]["conditions"] = conditions
        conditions.append(
            {
                "type": "Terminating",
                "status": "True",
                "lastTransitionTime": now,
                "reason": "InstanceDeletionPending",
                "message": "CustomResourceDefinition marked for deletion; "
                "CustomResource deletion will begin soon",
            }
        )
        marked = self._store.put(CRD, changed)
        for resource in self._resources(marked)[:1]:
            for obj in self._store.list(resource):
                self._store.delete(resource, obj["metadata"].get("namespace"), obj["metadata"]["name"])
        self._finish_termination()
        return marked

    def _finish_termination(self) -> None:
        for crd in self._store.list(CRD):
            if "deletionTimestamp" not in crd["metadata"]:
                continue
            resources = self._resources(crd)
            if resources and self._store.records(resources[0]):
                continue
            finalizers = [name for name in crd["metadata"].get("finalizers") or () if name != _FINALIZER]
            changed = clone(crd)
            changed["metadata"]["finalizers"] = finalizers
            if not finalizers:
                del changed["metadata"]["finalizers"]
            self._store.update(CRD, changed)
            if not finalizers:
                self._registry.remove(crd["spec"]["group"], crd["spec"]["names"]["plural"])

    def _establish(self, crd: Json) -> None:
        now = timestamp(self._store.now())
        changed = clone(crd)
        changed["status"] |= {
            "conditions": [
                {
                    "type": "NamesAccepted",
                    "status": "True",
                    "lastTransitionTime": now,
                    "reason": "NoConflicts",
                    "message": "no conflicts found",
                },
                {
                    "type": "Established",
                    "status": "True",
                    "lastTransitionTime": now,
                    "reason": "InitialNamesAccepted",
                    "message": "the initial names have been accepted",
                },
            ],
            "acceptedNames": clone(crd["spec"]["names"]),
        }
        kind = builtin_type(CRD.group, CRD.version, CRD.kind) or DEDUCED
        writer = Writer("kube-apiserver", CRD.api_version, now, "status")
        managedfields.update(kind, crd, changed, writer)
        self._store.update(CRD, changed)

    def _resources(self, crd: Json) -> list[Resource]:
        spec = crd["spec"]
        return [
            Resource(
                spec["group"],
                version["name"],
                spec["names"]["plural"],
                spec["names"]["kind"],
                namespaced=spec["scope"] == "Namespaced",
            )
            for version in spec.get("versions") or ()
            if version.get("served")
        ]

    def _serve(self, crd: Json) -> None:
        spec = crd["spec"]
        names = spec["names"]
        self._registry.remove(spec["group"], names["plural"])
        storage = next((v["name"] for v in spec["versions"] if v.get("storage")), "")
        served = {version["name"]: version for version in spec["versions"]}
        for resource in self._resources(crd):
            version = served[resource.version]
            key = (resource.group, resource.version, resource.plural)
            self._versions[key] = version
            self._types.pop(key, None)
            self._registry.add(
                Definition(
                    resource=resource,
                    singular=names.get("singular") or names["kind"].lower(),
                    verbs=CUSTOM_VERBS,
                    short_names=tuple(names.get("shortNames") or ()),
                    categories=tuple(names.get("categories") or ()),
                    subresources=_subresources(version, names["kind"]),
                    list_kind=names.get("listKind") or f"{names['kind']}List",
                    custom=True,
                    storage=(spec["group"], storage),
                    deprecation=_deprecation(resource, version, spec["versions"]),
                )
            )

    # Schemas

    def version_of(self, resource: Resource) -> Json:
        """Return the CRD's entry for a version."""
        return self._versions[resource.group, resource.version, resource.plural]

    def schema_of(self, resource: Resource) -> Json:
        schema: Json = self.version_of(resource).get("schema", {}).get("openAPIV3Schema") or {}
        return schema

    def type_of(self, resource: Resource) -> Type:
        key = (resource.group, resource.version, resource.plural)
        if key not in self._types:
            self._types[key] = custom_type(self.schema_of(resource))
        return self._types[key]

    def scale_paths(self, resource: Resource) -> tuple[str, str, str]:
        """Return the paths of wanted replicas, current replicas and selector."""
        scale = self.version_of(resource).get("subresources", {}).get("scale") or {}
        return (
            scale.get("specReplicasPath", ".spec.replicas"),
            scale.get("statusReplicasPath", ".status.replicas"),
            scale.get("labelSelectorPath", ""),
        )

    def prune(self, resource: Resource, obj: Json) -> tuple[Json, list[str]]:
        """Return the object without fields its schema does not have, and those fields."""
        unknown: list[str] = []
        schema = self.schema_of(resource)
        if schema.get("x-kubernetes-preserve-unknown-fields"):
            return clone(obj), unknown
        result: Json = {}
        for key, value in obj.items():
            if key in _TOP:
                result[key] = clone(value)
            elif key in (schema.get("properties") or {}):
                result[key] = _prune(schema["properties"][key], value, key, unknown)
            else:
                unknown.append(f'unknown field "{key}"')
        if isinstance(result.get("metadata"), dict):
            from k3k_core.sandbox.api.decoding import canonical

            result["metadata"], extra = canonical(object_meta_type(), result["metadata"], name="ObjectMeta")
            unknown += [text.replace('field "', 'field "metadata.', 1) for text in extra]
        return result, sorted(unknown)

    def default(self, resource: Resource, obj: Json) -> None:
        """Set the schema's default values in place."""
        _default(self.schema_of(resource), obj)

    def validate(self, resource: Resource, obj: Json, old: Json | None) -> list[FieldError]:
        """Check an object against its schema and CEL rules.

        Raises:
            ApiError: 403, a new object of a type that is being deleted.
        """
        crd = self._store.get(CRD, None, f"{resource.plural}.{resource.group}")
        if old is None and crd is not None and "deletionTimestamp" in crd["metadata"]:
            text = "create not allowed while custom resource definition is terminating"
            raise forbidden(resource, obj["metadata"].get("name", ""), text)
        return openapi_validation.validate(
            self.schema_of(resource), obj, old, more=self._scale_errors(resource, obj)
        )

    def _scale_errors(self, resource: Resource, obj: Json) -> list[FieldError]:
        if "scale" not in (self.version_of(resource).get("subresources") or {}):
            return []
        path = self.scale_paths(resource)[0]
        value: Any = obj
        for part in path.strip(".").split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            return []
        if not isinstance(value, int) or isinstance(value, bool):
            kind = _GO_TYPES.get(type(value), "map[string]interface {}")
            detail = f"{path} accessor error: {value} is of the type {kind}, expected int64"
            return [FieldError(path, f"Invalid value: 0: {detail}")]
        if value < 0:
            return [FieldError(path, f"Invalid value: {value}: should be a non-negative integer")]
        return []


def _deprecation(resource: Resource, version: Json, versions: list[Json]) -> str:
    if not version.get("deprecated"):
        return ""
    if version.get("deprecationWarning"):
        return str(version["deprecationWarning"])
    text = f"{resource.api_version} {resource.kind} is deprecated"
    better = next((v["name"] for v in versions if v.get("served") and not v.get("deprecated")), "")
    return f"{text}; use {resource.group}/{better} {resource.kind}" if better else text


def _subresources(version: Json, kind: str) -> dict[str, Subresource]:
    given = version.get("subresources") or {}
    found: dict[str, Subresource] = {}
    if "status" in given:
        found["status"] = Subresource("status", kind, STATUS_VERBS)
    if "scale" in given:
        found["scale"] = Subresource("scale", "Scale", STATUS_VERBS, ("autoscaling", "v1"))
    return found


def _prune(schema: Json, value: Any, path: str, unknown: list[str]) -> Any:
    if isinstance(value, list):
        items = schema.get("items") or {}
        return [_prune(items, item, f"{path}[{i}]", unknown) for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    known = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    free = extra is True or schema.get("x-kubernetes-preserve-unknown-fields")
    result: Json = {}
    for key, item in value.items():
        where = f"{path}.{key}"
        if key in known:
            result[key] = _prune(known[key], item, where, unknown)
        elif isinstance(extra, dict):
            result[key] = _prune(extra, item, where, unknown)
        elif free or (schema.get("x-kubernetes-embedded-resource") and key in _TOP):
            result[key] = clone(item)
        else:
            unknown.append(f'unknown field "{where}"')
    return result


def _default(schema: Json, value: Any) -> None:
    if isinstance(value, dict):
        for key, child in (schema.get("properties") or {}).items():
            if "default" in child and (
                key not in value or (value[key] is None and not child.get("nullable"))
            ):
                value[key] = clone(child["default"])
            if value.get(key, 0) is None and "type" in child and not child.get("nullable"):
                # A null where none may be counts as left out.
                del value[key]
            if key in value:
                _default(child, value[key])
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            for key, item in value.items():
                if key not in (schema.get("properties") or {}):
                    _default(extra, item)
    elif isinstance(value, list):
        for item in value:
            _default(schema.get("items") or {}, item)
