"""Who makes a request: client certificates, bearer tokens, service-account tokens, anonymous, impersonation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from k3k_core.resources import SERVICE_ACCOUNT
from k3k_core.sandbox.api.statuses import unauthorized
from k3k_core.sandbox.api.store import Store

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
AUDIENCE = "https://kubernetes.default.svc"


@dataclass(frozen=True, slots=True)
class User:
    """An identity.

    Attributes:
        name: user name.
        groups: group names.
        uid: optional stable id.
        extra: further facts, e.g. how it authenticated.
    """

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def info(self) -> dict[str, Any]:
        """The identity as `UserInfo`."""
        info: dict[str, Any] = {"username": self.name}
        if self.uid:
            info["uid"] = self.uid
        if self.groups:
            info["groups"] = list(self.groups)
        if self.extra:
            info["extra"] = {key: list(values) for key, values in self.extra.items()}
        return info


ANONYMOUS = User("system:anonymous", (UNAUTHENTICATED,))
ADMIN = User("admin", ("system:masters", AUTHENTICATED))


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request carries to prove who it is.

    Attributes:
        authorization: value of the Authorization header.
        certificate: the client certificate as `ssl.getpeercert()` returns it, verified by TLS; empty without one.
        certificate_der: the same certificate's bytes.
    """

    authorization: str = field(default="", repr=False)
    certificate: Mapping[str, Any] = field(default_factory=dict)
    certificate_der: bytes = field(default=b"", repr=False)

    @property
    def bearer(self) -> str:
        kind, _, token = self.authorization.partition(" ")
        return token.strip() if kind.lower() == "bearer" else ""


class Authenticator(Protocol):
    """Recognises identities."""

    def authenticate(self, credentials: Credentials) -> User | None:
        """Return who it is, None for a request without credentials; raises ApiError 401 for bad ones."""


class Everybody:
    """Takes every request for one identity (for tests and trusted listeners)."""

    def __init__(self, user: User = ADMIN) -> None:
        self._user = user

    def authenticate(self, credentials: Credentials) -> User | None:  # noqa: ARG002, part of the protocol
        return self._user


def certificate_user(credentials: Credentials) -> User | None:
    """Return the identity of a client certificate: common name and organisations."""
    names: list[str] = []
    groups: list[str] = []
    for part in credentials.certificate.get("subject", ()):
        for key, value in part:
            if key == "commonName":
                names.append(value)
            elif key == "organizationName":
                groups.append(value)
    if not names:
        return None
    extra: dict[str, tuple[str, ...]] = {}
    if credentials.certificate_der:
        digest = hashlib.sha256(credentials.certificate_der).hexdigest()
        extra = {"authentication.kubernetes.io/credential-id": (f"X509SHA256={digest}",)}
    return User(names[-1], (*groups, AUTHENTICATED), extra=extra)


class ServiceAccountTokens:
    """Makes and checks service-account tokens (signed with a key of this process).

    Args:
        store: where the service accounts are.
        key: secret of at least 32 bytes; a random one when None.
        issuer: `iss` of the tokens.
    """

    def __init__(self, store: Store, *, key: bytes | None = None, issuer: str = AUDIENCE) -> None:
        self._store = store
        self._key = key or secrets.token_bytes(32)
        self.issuer = issuer

    def __repr__(self) -> str:
        return "ServiceAccountTokens()"

    def issue(self, account: Mapping[str, Any], *, audiences: tuple[str, ...], seconds: int) -> str:
        """Return a token for a ServiceAccount object that is valid for `seconds`."""
        meta, now = account["metadata"], int(self._store.now().timestamp())
        claims = {
            "aud": list(audiences),
            "exp": now + seconds,
            "iat": now,
            "iss": self.issuer,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": {
                "namespace": meta["namespace"],
                "serviceaccount": {"name": meta["name"], "uid": meta["uid"]},
            },
            "nbf": now,
            "sub": f"system:serviceaccount:{meta['namespace']}:{meta['name']}",
        }
        head = _b64(json.dumps({"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode())
        body = _b64(json.dumps(claims, separators=(",", ":")).encode())
        return f"{head}.{body}.{self._sign(f'{head}.{body}')}"

    def _sign(self, text: str) -> str:
        return _b64(hmac.new(self._key, text.encode(), hashlib.sha256).digest())

    def verify(self, token: str, audiences: tuple[str, ...] = ()) -> User | None:
        """Return the identity of a token that is valid now, None for any other text."""
        head, _, signature = token.rpartition(".")
        if not head or not hmac.compare_digest(self._sign(head), signature):
            return None
        claims = json.loads(_unb64(head.rpartition(".")[2]))
        if claims["exp"] <= self._store.now().timestamp():
            return None
        if audiences and not set(audiences) & set(claims["aud"]):
            return None
        if not audiences and AUDIENCE not in claims["aud"] and self.issuer not in claims["aud"]:
            return None
        bound = claims["kubernetes.io"]
        namespace, name = bound["namespace"], bound["serviceaccount"]["name"]
        account = self._store.get(SERVICE_ACCOUNT, namespace, name)
        if account is None or account["metadata"]["uid"] != bound["serviceaccount"]["uid"]:
            return None
        return User(
            f"system:serviceaccount:{namespace}:{name}",
            ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED),
            uid=bound["serviceaccount"]["uid"],
            extra={"authentication.kubernetes.io/credential-id": (f"JTI={claims['jti']}",)},
        )


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class StandardAuthenticator:
    """Client certificates, fixed tokens and service-account tokens, as a real server combines them.

    Args:
        tokens: identities by bearer token.
        accounts: checks service-account tokens.
        anonymous: whether requests without credentials are `system:anonymous` (else 401).
    """

    def __init__(
        self,
        *,
        tokens: Mapping[str, User] | None = None,
        accounts: ServiceAccountTokens | None = None,
        anonymous: bool = True,
    ) -> None:
        self._tokens = dict(tokens or {})
        self._accounts = accounts
        self._anonymous = anonymous

    def __repr__(self) -> str:
        return f"StandardAuthenticator({len(self._tokens)} tokens)"

    def authenticate(self, credentials: Credentials) -> User | None:
        """Return the identity.

        Raises:
            ApiError: 401, an unknown token, or no credentials where they are required.
        """
        user = certificate_user(credentials)
        if user is not None:
            return user
        if token := credentials.bearer:
            known = self._tokens.get(token)
            if known is not None:
                groups = known.groups if AUTHENTICATED in known.groups else (*known.groups, AUTHENTICATED)
                return User(known.name, groups, known.uid, known.extra)
            account = self._accounts.verify(token) if self._accounts else None
            if account is None:
                raise unauthorized()
            return account
        if not self._anonymous:
            raise unauthorized()
        return None
