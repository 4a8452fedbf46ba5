"""Check of a data source name for an external datastore: it holds a password, so nothing of it is "
"repeated."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from k3k_core.values.refusal import RefusedError

# The schemes of k3s.md 3.4 that k3k accepts; kine knows more, all of them rare or experimental.
ENDPOINT_PATTERN: Final = r"^(postgres|postgresql|mysql|http|https)://"

_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_MYSQL = re.compile(r"(?:.*@)?(?:tcp\([^()]+\)|unix\([^()]+\))/[^/]*")
_REFUSED_SCHEMES = {
    "sqlite": "sqlite is a file of the server itself: use `datastore.kind: sqlite`",
    "nats": "k3s supports NATS only as an experiment",
    "jetstream": "k3s supports NATS only as an experiment",
    "litestream": "k3s supports Litestream only as an experiment",
    "t4": "k3s supports this driver only as an experiment",
    "memory": "nothing would be kept",
    "unix": "a socket does not reach beyond the pod",
    "unixs": "a socket does not reach beyond the pod",
}
_REMEDY = (
    "write `postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full`, "
    "`mysql://USER:PASSWORD@tcp(HOST:3306)/DATABASE` or `https://HOST:2379,https://HOST:2379` for etcd"
)


def endpoint(text: str) -> str:
    """A data source name for Postgres, MySQL or MariaDB, or the addresses of an etcd cluster.

    Args:
        text: the data source name, a secret.

    Raises:
        RefusedError: k3s would not take it, or not do what it says.
    """
    if not text:
        raise RefusedError("is empty", _REMEDY)
    if any(character.isspace() or not character.isprintable() for character in text):
        raise RefusedError(
            "contains white space", "encode special characters of a password, e.g. `%20` for a space"
        )
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise RefusedError("is not a data source name: it does not begin with a scheme", _REMEDY)
    if scheme in _REFUSED_SCHEMES:
        raise RefusedError(f"names a datastore that is not usable here: {_REFUSED_SCHEMES[scheme]}", _REMEDY)
    if scheme in {"postgres", "postgresql"}:
        _check_postgres(text)
    elif scheme == "mysql":
        _check_mysql(rest)
    elif scheme in {"http", "https"}:
        _check_etcd(text, scheme)
    else:
        raise RefusedError("has a scheme that is not one of postgres, mysql, http and https", _REMEDY)
    return text


def _check_postgres(text: str) -> None:
    parts = _split(text)
    # A special character in the password moves the `@`, and what looks like the host is the user.
    moved = parts is not None and ("@" not in parts.netloc and "@" in text)
    if parts is None or moved or re.search("[/@]", parts.path[1:]) or parts.fragment:
        raise RefusedError(
            "has no usable host and port",
            "encode special characters of the password: `%2F` for /, `%40` for @, `%3A` for :, `%23` for #",
        )
    mode = parse_qs(parts.query).get("sslmode", ["prefer"])[-1]
    if mode not in _SSL_MODES:
        raise RefusedError("has an unknown `sslmode`", "use one of " + ", ".join(_SSL_MODES))


def _check_mysql(rest: str) -> None:
    address, _, query = rest.partition("?")
    if re.search(r"(^|&)tls=", query):
        raise RefusedError(
            "has the parameter `tls`, which k3s refuses for MySQL",
            "take it out and put ca.crt, tls.crt and tls.key into the Secret of "
            "`datastore.external.secret_name`",
        )
    if not _MYSQL.fullmatch(address):
        raise RefusedError(
            "has no address in the form MySQL needs", "write `mysql://USER:PASSWORD@tcp(HOST:3306)/DATABASE`"
        )


def _check_etcd(text: str, scheme: str) -> None:
    for one in text.split(","):
        if not one.startswith(f"{scheme}://"):
            raise RefusedError(
                "mixes addresses with and without a scheme, or http and https",
                "write every member in full: `https://HOST:2379,https://HOST:2379`",
            )
        parts = _split(one)
        if parts is None or parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise RefusedError(
                "has a member that is not just scheme, host and port", "write e.g. `https://HOST:2379`"
            )
        if "@" in parts.netloc:
            raise RefusedError(
                "has a user name for etcd, which k3s does not use", "authenticate with tls.crt and tls.key"
            )


def _split(url: str) -> SplitResult | None:
    """Parts of a URL that has a host, and a port that is a number if it has one."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.hostname else None
