"""How the clients of Postgres, MySQL and etcd are told where to connect: files and variables, never arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from k3k_core.errors import UsageError
from k3k_core.manifests.config import DATASTORE_DIR

Engine = Literal["postgres", "mysql", "etcd"]

# kine's own, for a DSN that names none (pkg/drivers of https://github.com/k3s-io/kine).
_DEFAULT_DATABASE = "kubernetes"
_CONNECT_SECONDS = 10
# Parameters of a DSN that mean the same to libpq; the others are for the driver in k3s alone
# (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS).
_LIBPQ = frozenset(
    {
        "application_name",
        "channel_binding",
        "gssencmode",
        "keepalives",
        "keepalives_idle",
        "options",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "sslsni",
        "target_session_attrs",
    }
)


@dataclass(frozen=True, slots=True)
class Database:
    """An external datastore, as its DSN names it.

    Attributes:
        engine: what it is.
        host: its name or address; of an etcd all endpoints.
        port: TCP port; 0 for an etcd.
        database: name of the database; empty for an etcd.
        user: who connects.
        password: of the user.
        parameters: of the connection, for Postgres.
    """

    engine: Engine
    host: str
    port: int = 0
    database: str = ""
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it is, without a secret: for messages."""
        return (
            self.host
            if self.engine == "etcd"
            else f"{self.engine} at {self.host}:{self.port}/{self.database}"
        )


def engine_of(endpoint: str) -> Engine:
    """Return what a DSN leads to.

    Args:
        endpoint: a DSN that k3k accepts.
    """
    scheme = endpoint.partition("://")[0]
    return "postgres" if scheme.startswith("postgres") else "mysql" if scheme == "mysql" else "etcd"


def parse_endpoint(endpoint: str) -> Database:
    """Return what a DSN says.

    Args:
        endpoint: a DSN that k3k accepts (`values.datastores.endpoint`).

    Raises:
        UsageError: it leads to a socket, which no other pod reaches, or is not one; nothing of it is repeated.
    """
    engine = engine_of(endpoint)
    if engine == "etcd":
        return Database("etcd", endpoint)
    try:
        return _postgres(endpoint) if engine == "postgres" else _mysql(endpoint.partition("://")[2])
    except ValueError:
        raise UsageError(
            "the DSN of the datastore cannot be understood", hint="`k3k values --explain` shows its form."
        ) from None


def client_files(database: Database, files: Iterable[str]) -> dict[str, str]:
    """Return the files that tell the clients of a database where to connect, by name; they hold its password.

    Args:
        database: Postgres or MySQL.
        files: which of ca.crt, tls.crt, tls.key there are in `DATASTORE_DIR`.
    """
    present = set(files)
    if database.engine == "postgres":
        return {"pg_service.conf": _service_file(database, present)}
    return {"my.cnf": _option_file(database, present), "database": database.database}


def etcd_variables(files: Iterable[str]) -> dict[str, str]:
    """Return the variables by which etcdctl finds its TLS files; the endpoints come from a Secret.

    Args:
        files: which of ca.crt, tls.crt, tls.key there are in `DATASTORE_DIR`.
    """
    names = {"ca.crt": "ETCDCTL_CACERT", "tls.crt": "ETCDCTL_CERT", "tls.key": "ETCDCTL_KEY"}
    return {names[each]: f"{DATASTORE_DIR}/{each}" for each in sorted(files) if each in names}


def _postgres(endpoint: str) -> Database:
    parts = urlsplit(endpoint)
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Database(
        "postgres",
        parts.hostname or "localhost",
        parts.port or 5432,
        # kine takes the name in lower case, as it is where nobody quotes it.
        (unquote(parts.path[1:]) or _DEFAULT_DATABASE).lower(),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        {key: value for key, value in parameters.items() if key in _LIBPQ},
    )


def _mysql(text: str) -> Database:
    """Read a DSN of the Go driver, whose password is not encoded (https://github.com/go-sql-driver/mysql#dsn-data-source-name)."""
    before, _, after = text.rpartition("/")
    if not before and "?" in after:
        raise ValueError("no address")
    credentials, _, address = before.rpartition("@")
    protocol, _, place = address.partition("(")
    if protocol != "tcp":
        raise UsageError(
            "the DSN of the datastore leads to a socket, which no other pod reaches",
            hint="Set datastore.external.preflight.enabled=false, or name a host.",
        )
    user, _, password = credentials.partition(":")
    host, _, port = place.removesuffix(")").rpartition(":")
    if not host:
        host, port = port, "3306"
    name = unquote(after.partition("?")[0]) or _DEFAULT_DATABASE
    return Database("mysql", host.strip("[]"), int(port), name, user, password)


def _service_file(database: Database, files: set[str]) -> str:
    """Return a connection service file (https://www.postgresql.org/docs/current/libpq-pgservice.html)."""
    settings = {
        "host": database.host,
        "port": str(database.port),
        "dbname": database.database,
        "user": database.user,
        "password": database.password,
        "connect_timeout": str(_CONNECT_SECONDS),
        # As kine does it: files given beside the DSN are for a verified connection.
        **({"sslmode": "verify-full"} if files else {}),
        **{
            name: f"{DATASTORE_DIR}/{file}"
            for name, file in (("sslrootcert", "ca.crt"), ("sslcert", "tls.crt"), ("sslkey", "tls.key"))
            if file in files
        },
        **database.parameters,
    }
    return "\n".join(["[k3k]", *(f"{key}={value}" for key, value in settings.items() if value), ""])


def _option_file(database: Database, files: set[str]) -> str:
    """Return an option file (https://dev.mysql.com/doc/refman/8.4/en/option-files.html).

    What begins with `loose-` is known to some of the clients only: those of MySQL, or those of MariaDB.
    """
    client = {
        "protocol": "tcp",
        "host": database.host,
        "port": str(database.port),
        "user": database.user,
        "password": database.password,
        "default-character-set": "utf8mb4",
        "loose-get-server-public-key": "1",
        **(
            {"loose-ssl-mode": "VERIFY_IDENTITY", "loose-ssl-verify-server-cert": "1"}
            if "ca.crt" in files
            else {}
        ),
        **{
            name: f"{DATASTORE_DIR}/{file}"
            for name, file in (("ssl-ca", "ca.crt"), ("ssl-cert", "tls.crt"), ("ssl-key", "tls.key"))
            if file in files
        },
    }
    dump = {"loose-column-statistics": "0", "loose-set-gtid-purged": "OFF", "max-allowed-packet": "64M"}
    lines = ["[client]", *(f"{key}={_option(value)}" for key, value in client.items() if value)]
    lines += ["[mysql]", f"database={_option(database.database)}", f"connect-timeout={_CONNECT_SECONDS}"]
    lines += ["max-allowed-packet=64M"]
    return "\n".join([*lines, "[mysqldump]", *(f"{key}={value}" for key, value in dump.items()), ""])


def _option(value: str) -> str:
    return '"' + value.replace("\\", "\\\\") + '"'
