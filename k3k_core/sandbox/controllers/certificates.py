"""Signs approved CertificateSigningRequests of Kubernetes' own signers, as kube-controller-manager does."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from k3k_core.pki.model import Authority
from k3k_core.resources import Resource
from k3k_core.sandbox.api.certificates import CSR, RequestError, read_request
from k3k_core.sandbox.api.changes import Change
from k3k_core.sandbox.api.objects import timestamp
from k3k_core.sandbox.controllers.client import CONTROLLER_MANAGER, Client
from k3k_core.sandbox.controllers.runtime import Key

if TYPE_CHECKING:
    from cryptography import x509

Json = dict[str, Any]

_LONGEST = timedelta(days=365)
_BACKDATE = timedelta(minutes=5)
# Shorter certificates are not shortened further by being backdated.
_SHORT = timedelta(hours=8)
_NODES = "system:nodes"
_CLIENT = "client auth"
_SERVER = "server auth"
_KEY_USAGES = {
    "digital signature": "digital_signature",
    "key encipherment": "key_encipherment",
}


class _UnsignableError(ValueError):
    """A request the signer does not sign, and why."""


class CertificateSigner:
    """Issues the certificates of approved requests.

    Args:
        client: reads and writes.
        authority: signs; clients it certifies are known to the API.
    """

    watches: tuple[Resource, ...] = (CSR,)

    def __init__(self, client: Client, authority: Authority) -> None:
        self._client = client
        self._authority = authority

    def keys(self, change: Change) -> Iterable[Key]:
        """The request itself."""
        return ((change.object["metadata"]["name"],),)

    def reconcile(self, key: Key) -> float | None:
        """Sign one request, or say why it fails."""
        request = self._client.store.get(CSR, None, key[0])
        if request is None or not _waits(request):
            return None
        check = _CHECKS.get(request["spec"].get("signerName", ""))
        if check is None:
            return None
        status = {**(request.get("status") or {})}
        now = self._client.store.now()
        try:
            parsed = read_request(request["spec"])
            if not parsed.is_signature_valid:
                raise _UnsignableError("unable to verify certificate request signature")
            check(parsed, request["spec"].get("usages") or [])
            pem = _sign(self._authority, parsed, request["spec"], now)
        except (RequestError, _UnsignableError) as error:
            status["conditions"] = [*status["conditions"], _failed(str(error), timestamp(now))]
        else:
            status["certificate"] = base64.b64encode(pem).decode()
        self._client.set_status(CSR, request, status, manager=CONTROLLER_MANAGER)
        return None


def _waits(request: Json) -> bool:
    """Whether a request is approved and neither signed nor failed."""
    status = request.get("status") or {}
    found = {item["type"] for item in status.get("conditions") or ()}
    return "Approved" in found and "Failed" not in found and not status.get("certificate")


def _failed(message: str, now: str) -> Json:
    return {
        "type": "Failed",
        "status": "True",
        "reason": "SignerValidationFailure",
        "message": message,
        "lastUpdateTime": now,
        "lastTransitionTime": now,
    }


# What each signer takes


def _check_client(_request: x509.CertificateSigningRequest, usages: list[str]) -> None:
    for usage in usages:
        if usage not in {*_KEY_USAGES, _CLIENT}:
            raise _UnsignableError(f"invalid usage for client certificate: {usage}")
    if _CLIENT not in usages:
        raise _UnsignableError(f"missing required usage for client certificate: {_CLIENT}")


def _check_kubelet_client(request: x509.CertificateSigningRequest, usages: list[str]) -> None:
    _check_node(request)
    if _alternative_names(request) is not None:
        raise _UnsignableError("subjectAltNames are not allowed")
    _check_node_usages(usages, _CLIENT)


def _check_kubelet_serving(request: x509.CertificateSigningRequest, usages: list[str]) -> None:
    _check_node(request)
    if _alternative_names(request) is None:
        raise _UnsignableError("DNS or IP subjectAltName is required")
    _check_node_usages(usages, _SERVER)


def _check_node(request: x509.CertificateSigningRequest) -> None:
    from cryptography.x509.oid import NameOID

    groups = [item.value for item in request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    if groups != [_NODES]:
        raise _UnsignableError(f"subject organization is not {_NODES}")
    users = [item.value for item in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if not any(str(user).startswith("system:node:") for user in users):
        raise _UnsignableError("subject common name does not begin with system:node:")


def _check_node_usages(usages: list[str], purpose: str) -> None:
    if set(usages) - {"key encipherment"} != {"digital signature", purpose}:
        raise _UnsignableError(f"usages did not match [digital signature key encipherment {purpose}]")


_CHECKS = {
    "kubernetes.io/kube-apiserver-client": _check_client,
    "kubernetes.io/kube-apiserver-client-kubelet": _check_kubelet_client,
    "kubernetes.io/kubelet-serving": _check_kubelet_serving,
}


# Issuing


def _alternative_names(request: x509.CertificateSigningRequest) -> x509.SubjectAlternativeName | None:
    from cryptography import x509

    try:
        return request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _sign(authority: Authority, request: x509.CertificateSigningRequest, spec: Json, now: datetime) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509.oid import ExtendedKeyUsageOID

    issuer = x509.load_pem_x509_certificate(authority.cert_pem.encode())
    key = serialization.load_pem_private_key(authority.key_pem.encode(), None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise _UnsignableError("the authority's key is of an unknown type")
    wanted = timedelta(seconds=spec.get("expirationSeconds") or _LONGEST.total_seconds())
    lifetime = min(wanted, _LONGEST)
    end = now + lifetime - (timedelta() if lifetime < _SHORT else _BACKDATE)
    purposes = {_CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH, _SERVER: ExtendedKeyUsageOID.SERVER_AUTH}
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(issuer.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(min(end, issuer.not_valid_after_utc))
        .add_extension(
            x509.ExtendedKeyUsage([purposes[usage] for usage in spec["usages"] if usage in purposes]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_issuer_key(issuer), critical=False)
    )
    names = _alternative_names(request)
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    if given := {_KEY_USAGES[usage] for usage in spec["usages"] if usage in _KEY_USAGES}:
        builder = builder.add_extension(_key_usage(given), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _issuer_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    from cryptography import x509

    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _key_usage(given: set[str]) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature="digital_signature" in given,
        key_encipherment="key_encipherment" in given,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
