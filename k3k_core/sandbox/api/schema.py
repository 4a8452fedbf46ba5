"""Types of API objects: which fields they have and how server-side apply merges them.

Built-in types come from the models of the installed `kubernetes_asyncio` (loaded on first use, shared by all servers)
plus the tables below, which hold what those models do not tell: list keys, sets and atomic types, as the field tags of
Kubernetes 1.36 state them. Custom types come from the OpenAPI schema of their CRD.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

Kind = Literal["scalar", "struct", "map", "list", "any"]
Relation = Literal["granular", "atomic", "set", "map"]


@dataclass(frozen=True)
class Type:
    """How values of one type look and merge.

    Attributes:
        kind: what the JSON value is; "any" is not described further.
        scalar: JSON type of a scalar: str, int, float, bool, datetime, bytes, int-or-string.
        relation: how lists and mappings merge.
        keys: fields that identify an item of a list of relation "map".
        key_defaults: values of key fields that may be left out.
        fields: types of a struct's fields; called once, on first use.
        element: type of list items and mapping values.
        name: name of the Go type, for error messages.
    """

    kind: Kind
    scalar: str = ""
    relation: Relation = "granular"
    keys: tuple[str, ...] = ()
    key_defaults: Mapping[str, Any] = field(default_factory=dict)
    load_fields: Callable[[], dict[str, Type]] | None = None
    load_element: Callable[[], Type] | None = None
    name: str = ""

    @property
    def fields(self) -> dict[str, Type]:
        return self.load_fields() if self.load_fields else {}

    @property
    def element(self) -> Type:
        return self.load_element() if self.load_element else ANY

    def field(self, name: str) -> Type | None:
        """Return the type of a field or mapping value, None where there is no such field."""
        if self.kind == "struct":
            return self.fields.get(name)
        return self.element if self.kind == "map" else ANY


SCALAR = Type("scalar")
ANY = Type("any", relation="atomic")
# A value nothing is known of: mappings merge by key, lists are replaced.
DEDUCED = Type("any", relation="granular")

_LIST_KEYS: dict[str, tuple[str, ...]] = {
    "V1Container.env": ("name",),
    "V1Container.ports": ("containerPort", "protocol"),
    "V1Container.volumeDevices": ("devicePath",),
    "V1Container.volumeMounts": ("mountPath",),
    "V1ContainerStatus.allocatedResourcesStatus": ("name",),
    "V1ContainerStatus.volumeMounts": ("mountPath",),
    "V1CSINodeSpec.drivers": ("name",),
    "V1MutatingAdmissionPolicySpec.matchConditions": ("name",),
    "V1MutatingWebhook.matchConditions": ("name",),
    "V1MutatingWebhookConfiguration.webhooks": ("name",),
    "V1NodeStatus.addresses": ("type",),
    "V1ObjectMeta.ownerReferences": ("uid",),
    "V1PodSpec.containers": ("name",),
    "V1PodSpec.ephemeralContainers": ("name",),
    "V1PodSpec.hostAliases": ("ip",),
    "V1PodSpec.imagePullSecrets": ("name",),
    "V1PodSpec.initContainers": ("name",),
    "V1PodSpec.resourceClaims": ("name",),
    "V1PodSpec.schedulingGates": ("name",),
    "V1PodSpec.topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "V1PodSpec.volumes": ("name",),
    "V1PodStatus.podIPs": ("ip",),
    "V1PodStatus.resourceClaimStatuses": ("name",),
    "V1ResourceRequirements.claims": ("name",),
    "V1ServiceAccount.secrets": ("name",),
    "V1ServiceSpec.ports": ("port", "protocol"),
    "V1ValidatingAdmissionPolicySpec.matchConditions": ("name",),
    "V1ValidatingAdmissionPolicySpec.variables": ("name",),
    "V1ValidatingWebhook.matchConditions": ("name",),
    "V1ValidatingWebhookConfiguration.webhooks": ("name",),
}
_SETS = frozenset(
    {
        "V1CSIDriverSpec.volumeLifecycleModes",
        "V1ContainerRestartRuleOnExitCodes.values",
        "V1Endpoint.addresses",
        "V1NodeSpec.podCIDRs",
        "V1ObjectMeta.finalizers",
        "V1PodFailurePolicyOnExitCodesRequirement.values",
        "V1UncountedTerminatedPods.failed",
        "V1UncountedTerminatedPods.succeeded",
        "V1ValidatingAdmissionPolicyBindingSpec.validationActions",
    }
)
_ATOMIC_FIELDS = frozenset(
    {
        "V1JobStatus.conditions",
        "V1PodSpec.nodeSelector",
        "V1ReplicationControllerSpec.selector",
        "V1Scheduling.nodeSelector",
        "V1ServiceSpec.selector",
    }
)
_ATOMIC_TYPES = frozenset(
    {
        "CoreV1EndpointPort",
        "DiscoveryV1EndpointPort",
        "RbacV1Subject",
        "V1ConfigMapKeySelector",
        "V1CrossVersionObjectReference",
        "V1EndpointAddress",
        "V1FileKeySelector",
        "V1LabelSelector",
        "V1LocalObjectReference",
        "V1MatchResources",
        "V1NamedRuleWithOperations",
        "V1NodeSelector",
        "V1NodeSelectorTerm",
        "V1ObjectFieldSelector",
        "V1ObjectReference",
        "V1OwnerReference",
        "V1ParamKind",
        "V1ParamRef",
        "V1ResourceFieldSelector",
        "V1RoleRef",
        "V1ScopeSelector",
        "V1SecretKeySelector",
        "V1SecretReference",
        "V1ServiceBackendPort",
        "V1TopologySelectorTerm",
        "V1TypedLocalObjectReference",
        "V1Variable",
    }
)
# claimRef is the one ObjectReference that merges by field.
_GRANULAR_FIELDS = frozenset({"V1PersistentVolumeSpec.claimRef"})
_MODEL_NAMES = {
    ("", "Event"): "CoreV1Event",
    ("events.k8s.io", "Event"): "EventsV1Event",
    ("authentication.k8s.io", "TokenRequest"): "AuthenticationV1TokenRequest",
    ("apiextensions.k8s.io", "CustomResourceDefinition"): "V1CustomResourceDefinition",
}
_BYTES = frozenset(
    {
        "V1CertificateSigningRequestSpec.request",
        "V1CertificateSigningRequestStatus.certificate",
        "V1ConfigMap.binaryData",
        "V1Secret.data",
        "V1CustomResourceConversionWebhookClientConfig.caBundle",
    }
)
# Mappings from names to quantities, and single quantities.
_QUANTITIES = frozenset(
    {
        "allocatable",
        "allocatedResources",
        "capacity",
        "default",
        "defaultRequest",
        "divisor",
        "hard",
        "limits",
        "max",
        "maxLimitRequestRatio",
        "min",
        "overhead",
        "requests",
        "sizeLimit",
        "used",
    }
)
_SCALARS = {"str", "int", "float", "bool", "datetime", "date", "bytes"}
# Fields that hold a number or a string.
_INT_OR_STRING = frozenset({"targetPort", "port", "maxUnavailable", "maxSurge", "minAvailable", "name"})


@cache
def builtin_type(group: str, version: str, kind: str) -> Type | None:
    """Return the type of a built-in kind, or None where the models do not know it."""
    name = _MODEL_NAMES.get((group, kind), f"{version[0].upper()}{version[1:]}{kind}")
    return _model_type(name, "") if _model(name) is not None else None


@cache
def field_description(group: str, version: str, kind: str, path: str) -> str:
    """Return the documentation of a field, e.g. of `metadata.name`; empty when there is none."""
    name = _MODEL_NAMES.get((group, kind), f"{version[0].upper()}{version[1:]}{kind}")
    *parents, last = path.split(".")
    for part in parents:
        model = _model(name)
        if model is None:
            return ""
        name = model.openapi_types.get(_attribute(model, part), "")
    model = _model(name)
    attribute = getattr(model, _attribute(model, last), None) if model is not None else None
    lines = [line.split("  # noqa: E501")[0] for line in (attribute.__doc__ or "").splitlines()[2:]]
    text = "\n".join(line.removeprefix("        ") for line in lines)
    return text.split("\n\n:return:")[0].strip()


def _attribute(model: Any, name: str) -> str:
    return next((key for key, value in model.attribute_map.items() if value == name), "")


@cache
def _models() -> Any:
    return importlib.import_module("kubernetes_asyncio.client.models")


def _model(name: str) -> Any:
    return getattr(_models(), name, None)


@cache
def _model_type(text: str, owner: str) -> Type:
    """Build the type named by a model's `openapi_types` entry; `owner` is `Model.field`."""
    field_name = owner.rpartition(".")[2]
    if text in _SCALARS:
        return Type("scalar", scalar=_scalar_name(text, owner))
    if text == "object":
        if field_name in _INT_OR_STRING or field_name == "value":
            return Type("scalar", scalar="int-or-string")
        return ANY
    if text.startswith("dict(str, "):
        return Type(
            "map",
            relation="atomic" if owner in _ATOMIC_FIELDS else "granular",
            load_element=lambda: _model_type(text[len("dict(str, ") : -1], owner),
        )
    if text.startswith("list["):
        return _list_type(text[len("list[") : -1], owner)
    atomic = text in _ATOMIC_TYPES and owner not in _GRANULAR_FIELDS
    return Type(
        "struct",
        relation="atomic" if atomic else "granular",
        load_fields=lambda: _fields(text),
        name=go_name(text),
    )


def _scalar_name(text: str, owner: str) -> str:
    if text == "str" and owner in _BYTES:
        return "bytes"
    return "quantity" if text == "str" and owner.rpartition(".")[2] in _QUANTITIES else text


def _list_type(element: str, owner: str) -> Type:
    base = owner.replace("V1EphemeralContainer.", "V1Container.")
    keys = _LIST_KEYS.get(base, ())
    model, _, field_name = owner.rpartition(".")
    if field_name == "conditions" and model.endswith("Status") and owner not in _ATOMIC_FIELDS:
        keys = ("type",)
    relation: Relation = "map" if keys else "set" if owner in _SETS else "atomic"
    return Type(
        "list",
        relation=relation,
        keys=keys,
        key_defaults={"protocol": "TCP"} if "protocol" in keys else {},
        load_element=lambda: _model_type(element, ""),
    )


@cache
def _fields(name: str) -> dict[str, Type]:
    model = _model(name)
    if model is None:
        return {}
    return {
        model.attribute_map[attribute]: _model_type(text, f"{name}.{model.attribute_map[attribute]}")
        for attribute, text in model.openapi_types.items()
    }


def go_name(model: str) -> str:
    """Name of the Go struct behind a model, e.g. PodSpec for V1PodSpec."""
    for prefix in ("CoreV1", "EventsV1", "DiscoveryV1", "RbacV1", "AuthenticationV1", "V1", "V2"):
        if model.startswith(prefix):
            return model[len(prefix) :]
    return model


def object_meta_type() -> Type:
    """The type of `metadata`."""
    return _model_type("V1ObjectMeta", "")


def custom_type(schema: Mapping[str, Any]) -> Type:
    """Return the type of a custom resource.

    Args:
        schema: `openAPIV3Schema` of the CRD's version.
    """
    body = _openapi_type(schema)

    def fields() -> dict[str, Type]:
        own = dict(body.fields)
        own.update(
            {
                "apiVersion": Type("scalar", scalar="str"),
                "kind": Type("scalar", scalar="str"),
                "metadata": object_meta_type(),
            }
        )
        return own

    if schema.get("x-kubernetes-preserve-unknown-fields") and not schema.get("properties"):
        return DEDUCED
    loaded: list[dict[str, Type]] = []

    def cached() -> dict[str, Type]:
        if not loaded:
            loaded.append(fields())
        return loaded[0]

    return Type("struct", load_fields=cached)


def _openapi_type(schema: Mapping[str, Any]) -> Type:
    if schema.get("x-kubernetes-int-or-string"):
        return Type("scalar", scalar="int-or-string")
    kind = schema.get("type")
    if kind == "array":
        element = _openapi_type(schema.get("items", {}))
        relation: Relation = schema.get("x-kubernetes-list-type", "atomic")
        items = schema.get("items", {}).get("properties", {})
        keys = tuple(schema.get("x-kubernetes-list-map-keys", ()))
        defaults = {key: items[key]["default"] for key in keys if "default" in items.get(key, {})}
        return Type("list", relation=relation, keys=keys, key_defaults=defaults, load_element=lambda: element)
    merging: Relation = "atomic" if schema.get("x-kubernetes-map-type") == "atomic" else "granular"
    if schema.get("properties"):
        known = {name: _openapi_type(item) for name, item in schema["properties"].items()}
        return Type("struct", relation=merging, load_fields=lambda: known)
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        value = _openapi_type(extra)
        return Type("map", relation=merging, load_element=lambda: value)
    if kind == "object" or schema.get("x-kubernetes-preserve-unknown-fields") or kind is None:
        return DEDUCED
    names = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
    return Type("scalar", scalar=names[kind])
