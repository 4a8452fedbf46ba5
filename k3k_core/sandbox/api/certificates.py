"""Rules of CertificateSigningRequests: what they may say, and what each subresource may change.

As kube-apiserver 1.36 checks them (pkg/apis/certificates/validation, pkg/registry/certificates and the
Certificate* admission plugins).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from k3k_core.resources import Resource
from k3k_core.sandbox.api import names_check as names
from k3k_core.sandbox.api.authn import User
from k3k_core.sandbox.api.objects import clone
from k3k_core.sandbox.api.rbac import Attributes, Authorizer
from k3k_core.sandbox.api.statuses import (
    FieldError,
    duplicate,
    forbidden,
    forbidden_field,
    go_value,
    invalid_value,
    required,
    unsupported,
)

if TYPE_CHECKING:
    from cryptography import x509

Json = dict[str, Any]

GROUP = "certificates.k8s.io"
CSR = Resource(GROUP, "v1", "certificatesigningrequests", "CertificateSigningRequest", namespaced=False)
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"
_LEGACY_SIGNER = "kubernetes.io/legacy-unknown"
_SHORTEST = 600
_USAGES = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)
_DECISIONS = ("Approved", "Denied")
_FINAL = (*_DECISIONS, "Failed")


class RequestError(ValueError):
    """The text is no certificate request."""


def read_request(spec: Mapping[str, Any]) -> x509.CertificateSigningRequest:
    """Return the PKCS#10 request of a CSR's spec.

    Raises:
        RequestError: worded as the real server does.
    """
    from cryptography import x509

    pem = base64.b64decode(spec.get("request") or "")
    if b"-----BEGIN CERTIFICATE REQUEST-----" not in pem:
        raise RequestError("PEM block type must be CERTIFICATE REQUEST")
    try:
        return x509.load_pem_x509_csr(pem)
    except ValueError:
        raise RequestError("asn1: syntax error: truncated tag or length") from None


# Validation


def validate(obj: Json) -> list[FieldError]:
    """Check a new request."""
    spec, errors = obj.get("spec") or {}, list[FieldError]()
    try:
        read_request(spec)
    except RequestError as error:
        errors.append(invalid_value("spec.request", spec.get("request"), str(error)))
    errors += _usage_errors(spec.get("usages") or [])
    errors += _signer_errors(spec.get("signerName") or "")
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < _SHORTEST:
        text = "may not specify a duration less than 600 seconds (10 minutes)"
        errors.append(invalid_value("spec.expirationSeconds", seconds, text))
    status = obj.get("status") or {}
    return [*errors, *_condition_errors(status.get("conditions") or []), *_certificate_errors(status)]


def _usage_errors(usages: list[str]) -> list[FieldError]:
    if not usages:
        return [required("spec.usages")]
    errors: list[FieldError] = []
    for position, usage in enumerate(usages):
        if usage not in _USAGES:
            errors.append(unsupported(f"spec.usages[{position}]", usage, _USAGES))
        elif usage in usages[:position]:
            errors.append(duplicate(f"spec.usages[{position}]", usage))
    return errors


def _signer_errors(name: str) -> list[FieldError]:
    if not name:
        return [required("spec.signerName")]
    if name == _LEGACY_SIGNER:
        text = "the legacy signerName is not allowed via this API version"
        return [invalid_value("spec.signerName", name, text)]
    domain, separator, path = name.partition("/")
    if not separator or "/" in path:
        text = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        return [invalid_value("spec.signerName", name, text)]
    problems = names.subdomain_problems(domain)
    if not problems and "." not in domain:
        problems = ["should be a domain with at least two segments separated by dots"]
    errors = [invalid_value("spec.signerName", domain, problem) for problem in problems]
    for label in path.split("."):
        for problem in names.subdomain_problems(label):
            text = f"validating label {go_value(label)}: {problem}"
            errors.append(invalid_value("spec.signerName", path, text))
    return errors


def _condition_errors(conditions: list[Json]) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: list[str] = []
    for position, condition in enumerate(conditions):
        where = f"status.conditions[{position}]"
        kind, value = condition.get("type", ""), condition.get("status", "")
        if not kind:
            errors.append(required(f"{where}.type"))
        allowed = ("True",) if kind in _FINAL else ("False", "True", "Unknown")
        if not value:
            errors.append(required(f"{where}.status"))
        elif value not in allowed:
            errors.append(unsupported(f"{where}.status", value, allowed))
        other = {"Approved": "Denied", "Denied": "Approved"}.get(kind)
        if other in seen:
            text = "Approved and Denied conditions are mutually exclusive"
            errors.append(invalid_value("status.conditions", kind, text))
        if kind and kind in seen:
            errors.append(duplicate(f"{where}.type", kind))
        seen.append(kind)
    return errors


def _certificate_errors(status: Json) -> list[FieldError]:
    text = status.get("certificate")
    if not text:
        return []
    from cryptography import x509

    try:
        pem = base64.b64decode(text)
        if b"-----BEGIN CERTIFICATE-----" not in pem:
            problem = "must contain at least one CERTIFICATE PEM block"
            return [invalid_value("status.certificate", "<certificate data>", problem)]
        x509.load_pem_x509_certificates(pem)
    except (ValueError, binascii.Error):
        return [invalid_value("status.certificate", "<certificate data>", "x509: malformed certificate")]
    return []


def validate_update(obj: Json, old: Json, subresource: str) -> list[FieldError]:
    """Check a changed request.

    Args:
        obj: as it is to be.
        old: as stored.
        subresource: "", "status" or "approval".
    """
    errors = validate(obj)
    new_status, old_status = obj.get("status") or {}, old.get("status") or {}
    for kind in _FINAL:
        after, before = _of_type(new_status, kind), _of_type(old_status, kind)
        if len(after) < len(before):
            text = f'updates may not remove a condition of type "{kind}"'
            errors.append(forbidden_field("status.conditions", text))
        elif subresource != "approval" and kind in _DECISIONS and len(after) > len(before):
            text = f'updates may not add a condition of type "{kind}"'
            errors.append(forbidden_field("status.conditions", text))
        elif subresource != "approval" and kind in _DECISIONS and after != before:
            text = f'updates may not modify a condition of type "{kind}"'
            errors.append(forbidden_field("status.conditions", text))
    issued = old_status.get("certificate")
    if new_status.get("certificate") != issued:
        verb = "modify existing certificate content" if issued else "set certificate content"
        if issued or subresource != "status":
            errors.append(forbidden_field("status.certificate", f"updates may not {verb}"))
    return errors


def _of_type(status: Json, kind: str) -> list[Json]:
    return [item for item in status.get("conditions") or () if item.get("type") == kind]


# Strategy


def prepare_create(obj: Json, user: Json) -> None:
    """Record who asks; nobody owns fields of a request."""
    spec = obj.setdefault("spec", {})
    for name in ("username", "uid", "groups", "extra"):
        spec.pop(name, None)
        if user.get(name):
            spec[name] = clone(user[name])
    obj["metadata"].pop("managedFields", None)


def prepare_update(obj: Json, old: Json, subresource: str, now: str) -> None:
    """Take over what this operation cannot change, and stamp its conditions.

    Args:
        obj: as it is to be, changed in place.
        old: as stored.
        subresource: "", "status" or "approval".
        now: the time of the conditions that have none.
    """
    obj["metadata"].pop("managedFields", None)
    obj["spec"] = clone(old["spec"])
    stored = old.get("status") or {}
    if not subresource:
        obj["status"] = clone(stored)
        return
    status = obj.setdefault("status", {})
    if subresource == "approval":
        status.pop("certificate", None)
        if "certificate" in stored:
            status["certificate"] = stored["certificate"]
    known = {item.get("type"): item for item in stored.get("conditions") or ()}
    for item in status.get("conditions") or ():
        before = known.get(item.get("type"), {})
        kept = before.get("lastTransitionTime") if before.get("status") == item.get("status") else None
        item["lastUpdateTime"] = item.get("lastUpdateTime") or now
        item["lastTransitionTime"] = item.get("lastTransitionTime") or kept or now


# Admission


def admit(obj: Json) -> None:
    """Refuse requests for administrators' certificates.

    Raises:
        ApiError: 403.
    """
    from cryptography.x509.oid import NameOID

    if obj["spec"].get("signerName") != CLIENT_SIGNER:
        return
    try:
        subject = read_request(obj["spec"]).subject
    except RequestError:
        return
    if "system:masters" in [item.value for item in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]:
        detail = f"use of {CLIENT_SIGNER} signer with system:masters group is not allowed"
        raise forbidden(CSR, obj["metadata"].get("name", ""), detail)


def check_signer_permission(authorizer: Authorizer, user: User, obj: Json, verb: str) -> None:
    """Refuse to approve or sign for a signer a user has no say in.

    Args:
        authorizer: decides.
        user: who asks.
        obj: the request.
        verb: "approve" or "sign".

    Raises:
        ApiError: 403.
    """
    signer = obj["spec"].get("signerName", "")
    for name in (signer, f"{signer.partition('/')[0]}/*"):
        if authorizer.authorize(user, Attributes(verb, GROUP, "signers", name=name)).allowed:
            return
    detail = f'user not permitted to {verb} requests with signerName "{signer}"'
    raise forbidden(CSR, obj["metadata"]["name"], detail)
