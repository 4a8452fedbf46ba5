"""What hardens a control plane, and the namespace of a tenant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from k3k_core.values import amounts
from k3k_core.values.rules.rule import Finding, Given, error, rule, warning
from k3k_core.versions import K3sVersion, flag_since, supports

if TYPE_CHECKING:
    from k3k_core.values.model import Values

# Below these lies what k3k mounts itself.
_TAKEN = ("/etc/k3k", "/etc/rancher", "/bin", "/dev", "/proc", "/sys")


@rule("version", "k3s.secrets_encryption")
def _encryption_provider(values: Values, _: Given) -> Iterator[Finding]:
    encryption, flag = values.k3s.secrets_encryption, "secrets-encryption-provider"
    if not encryption.enabled or encryption.provider == "aescbc":
        return
    if not supports(K3sVersion.parse(values.version), flag):
        yield error(
            "k3s.secrets_encryption.provider",
            f"k3s {values.version} knows only `aescbc`",
            f"use k3s {flag_since(flag)} or later, or `aescbc`",
        )


@rule("k3s.audit")
def _audit(values: Values, _: Given) -> Iterator[Finding]:
    audit = values.k3s.audit
    yield from _document("k3s.audit.policy", audit.policy, "Policy", "audit.k8s.io/v1")
    if not audit.policy and audit.path != "-":
        yield warning("k3s.audit", "has no effect without a policy", "give `k3s.audit.policy`")
    if audit.path != "-" and not audit.path.startswith("/tmp/"):  # noqa: S108 - a path in the pod
        yield error("k3s.audit.path", "cannot be written in the pod", "use `-`, or a file below /tmp")


@rule("k3s.admission")
def _admission(values: Values, _: Given) -> Iterator[Finding]:
    admission = values.k3s.admission
    yield from _document(
        "k3s.admission.config", admission.config, "AdmissionConfiguration", "apiserver.config.k8s.io/v1"
    )
    if both := sorted(set(admission.enable) & set(admission.disable)):
        yield error("k3s.admission.disable", f"names {both[0]}, which `enable` names too", "name it once")
    if "NodeRestriction" in admission.disable:
        yield warning(
            "k3s.admission.disable",
            "without NodeRestriction every agent may change every node",
            "leave NodeRestriction on",
        )


@rule("k3s.oidc")
def _oidc(values: Values, _: Given) -> Iterator[Finding]:
    oidc = values.k3s.oidc
    if not oidc.issuer_url:
        if oidc.client_id or oidc.groups_claim or oidc.ca:
            yield error("k3s.oidc.issuer_url", "is missing", "name the issuer, or take `k3s.oidc` out")
        return
    if not oidc.issuer_url.startswith("https://"):
        yield error("k3s.oidc.issuer_url", "is no https URL", "the API server takes no other")
    if not oidc.client_id:
        yield error("k3s.oidc.client_id", "is missing", "name the client whose tokens are accepted")
    if oidc.ca and "-----BEGIN CERTIFICATE-----" not in oidc.ca:
        yield error("k3s.oidc.ca", "is no certificate", "give it in PEM")


@rule("k3s.manifests")
def _manifests(values: Values, _: Given) -> Iterator[Finding]:
    for name, text in values.k3s.manifests.items():
        path = f"k3s.manifests[{name}]"
        if not name.endswith((".yaml", ".yml", ".json")):
            yield error(path, "k3s applies no file of that name", "end it with .yaml")
            continue
        documents = _documents(text)
        if documents is None or any(not _is_object(each) for each in documents):
            yield error(path, "is no list of Kubernetes objects", "give each an apiVersion, kind and name")
        elif any(each.get("kind") == "Secret" for each in documents):
            yield warning(
                path, "holds a Secret, and is stored in a ConfigMap", "create the Secret with kubectl"
            )


@rule("k3s.extra_volumes", "k3s.data_dir")
def _extra_volumes(values: Values, _: Given) -> Iterator[Finding]:
    names: set[str] = set()
    for index, each in enumerate(values.k3s.extra_volumes):
        path = f"k3s.extra_volumes[{index}]"
        if bool(each.secret) == bool(each.config_map):
            yield error(path, "needs a Secret or a ConfigMap", "give one of `secret` and `config_map`")
        taken = (*_TAKEN, values.k3s.data_dir)
        if each.path in {"/", "/etc", "/tmp"} or any(f"{each.path}/".startswith(f"{own}/") for own in taken):  # noqa: S108
            yield error(
                f"{path}.path", f"{each.path} is used by k3s or k3k", "mount it elsewhere, e.g. /etc/extra"
            )
        if each.name in names:
            yield error(f"{path}.name", f"{each.name} is there already", "give each volume a name of its own")
        names.add(each.name)


@rule("tenancy", "resources.limits", "resources.requests", "servers", "tier")
def _tenancy(values: Values, _: Given) -> Iterator[Finding]:
    limits = values.resources.limits
    if values.tenancy.limits.enabled and not (limits.cpu and limits.memory):
        yield error(
            "tenancy.limits",
            "would become the limits of the servers, which name none",
            "give `resources.limits.cpu` and `resources.limits.memory` too",
        )
    if not values.tenancy.quota.enabled:
        return
    requests, quota = values.resources.requests, values.tenancy.quota
    for name in ("cpu", "memory"):
        needed = amounts.parse_quantity(getattr(requests, name)) * values.servers
        if needed > amounts.parse_quantity(getattr(quota, name)):
            yield error(
                f"tenancy.quota.{name}",
                f"is less than the servers alone ask for ({values.servers} times {getattr(requests, name)})",
                "raise it, and leave room for a second server during upgrades",
            )


def _document(path: str, text: str, kind: str, version: str) -> Iterator[Finding]:
    """Find what is no document of a kind; an empty text is none at all and fine."""
    if not text:
        return
    documents = _documents(text)
    if documents is None or len(documents) != 1 or documents[0].get("kind") != kind:
        yield error(
            path, f"is no {kind}", f"give one document with `apiVersion: {version}` and `kind: {kind}`"
        )


def _documents(text: str) -> list[Mapping[str, Any]] | None:
    """Return the YAML documents of a text; None when one of them is no mapping, or the text no YAML."""
    import yaml

    try:
        found = [each for each in yaml.safe_load_all(text) if each is not None]
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return found if found and all(isinstance(each, dict) for each in found) else None


def _is_object(document: Mapping[str, Any]) -> bool:
    return all(isinstance(document.get(key), str) for key in ("apiVersion", "kind"))
