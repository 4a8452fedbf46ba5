"""What hardens the API server: files beside its configuration, and the arguments that name them.

https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from k3k_core.manifests.blueprint import Blueprint, Manifest
from k3k_core.manifests.metadata import metadata
from k3k_core.names import COMPONENT_SERVER, ControlPlaneId

if TYPE_CHECKING:
    from k3k_core.values import Values
    from k3k_core.values.model_hardening import Oidc

AUDIT_POLICY = "audit-policy.yaml"
ADMISSION_CONFIG = "admission.yaml"
OIDC_CA = "oidc-ca.crt"
REGISTRIES = "registries.yaml"
MANIFESTS_DIR = "/etc/k3k/manifests"

# k3s gives its API server this one, and an argument of ours takes the place of k3s' own.
_K3S_PLUGINS = ("NodeRestriction",)


def hardening_files(values: Values) -> dict[str, str]:
    """Return the files that lie beside k3s' config.yaml, by name; registries.yaml is for agents.

    Args:
        values: checked values.
    """
    import yaml

    k3s = values.k3s
    files = {AUDIT_POLICY: k3s.audit.policy, ADMISSION_CONFIG: k3s.admission.config, OIDC_CA: k3s.oidc.ca}
    if k3s.registries:
        files[REGISTRIES] = yaml.safe_dump(k3s.registries, sort_keys=True)
    return {name: text for name, text in files.items() if text}


def apiserver_arguments(values: Values, folder: str) -> list[str]:
    """Return the arguments of the API server, each `name=value`.

    Args:
        values: checked values.
        folder: where the files of `hardening_files` are.
    """
    k3s = values.k3s
    arguments: dict[str, str] = {}
    if k3s.audit.policy:
        arguments |= {"audit-policy-file": f"{folder}/{AUDIT_POLICY}", "audit-log-path": k3s.audit.path}
        if k3s.audit.path != "-":
            arguments["audit-log-maxage"] = str(k3s.audit.max_age)
    if k3s.oidc.issuer_url:
        arguments |= _oidc(k3s.oidc, folder)
    if k3s.admission.enable:
        plugins = dict.fromkeys((*_K3S_PLUGINS, *k3s.admission.enable))
        arguments["enable-admission-plugins"] = ",".join(plugins)
    if k3s.admission.disable:
        arguments["disable-admission-plugins"] = ",".join(k3s.admission.disable)
    if k3s.admission.config:
        arguments["admission-control-config-file"] = f"{folder}/{ADMISSION_CONFIG}"
    return [f"{name}={value}" for name, value in arguments.items()]


def _oidc(oidc: Oidc, folder: str) -> dict[str, str]:
    given = {
        "oidc-issuer-url": oidc.issuer_url,
        "oidc-client-id": oidc.client_id,
        "oidc-username-claim": oidc.username_claim,
        "oidc-username-prefix": oidc.username_prefix,
        "oidc-groups-claim": oidc.groups_claim,
        "oidc-groups-prefix": oidc.groups_prefix,
        "oidc-ca-file": f"{folder}/{OIDC_CA}" if oidc.ca else "",
    }
    return {name: value for name, value in given.items() if value}


def secrets_encryption(values: Values) -> dict[str, Any]:
    """Return k3s' switches for the encryption of Secrets in the datastore.

    Args:
        values: checked values.
    """
    encryption = values.k3s.secrets_encryption
    if not encryption.enabled:
        return {}
    # k3s' own default is left unsaid: older versions do not know the flag.
    provider = {} if encryption.provider == "aescbc" else {"secrets-encryption-provider": encryption.provider}
    return {"secrets-encryption": True, **provider}


def own_manifests(blueprint: Blueprint) -> Manifest:
    """Return the ConfigMap with the manifests that k3s applies at every start.

    Args:
        blueprint: the control plane.
    """
    identity = blueprint.id
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(identity, manifests_name(identity), COMPONENT_SERVER, blueprint.owner),
        "data": dict(sorted(blueprint.values.k3s.manifests.items())),
    }


def manifests_name(identity: ControlPlaneId) -> str:
    """Return the name of the ConfigMap with a control plane's own manifests."""
    return f"{identity.root}-manifests"


def extra_volumes(values: Values) -> list[dict[str, Any]]:
    """Return the pod's volumes for Secrets and ConfigMaps of the user's.

    Args:
        values: checked values.
    """
    return [
        {
            "name": f"extra-{each.name}",
            **(
                {"secret": {"secretName": each.secret, "defaultMode": 0o440}}
                if each.secret
                else {"configMap": {"name": each.config_map}}
            ),
        }
        for each in values.k3s.extra_volumes
    ]


def extra_mounts(values: Values) -> list[dict[str, Any]]:
    """Return where those volumes are mounted.

    Args:
        values: checked values.
    """
    return [
        {"name": f"extra-{each.name}", "mountPath": each.path, "readOnly": True}
        for each in values.k3s.extra_volumes
    ]


def hardening_parts(values: Values) -> Mapping[str, Any]:
    """Return what a server reads at its start, for the digest that has the pods replaced.

    Args:
        values: checked values.
    """
    files = {name: text for name, text in hardening_files(values).items() if name != REGISTRIES}
    parts = {"files": files, "manifests": dict(values.k3s.manifests)}
    return {name: part for name, part in parts.items() if part}
