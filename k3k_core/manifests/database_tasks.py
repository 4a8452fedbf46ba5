"""What is done to an external datastore: proving that it can be used, taking a dump, putting one back.

The client of the database runs in its own image, and the k3s image beside it carries the files. Where to connect
stands in a Secret that lives as long as the Job, and for an etcd in the datastore's own Secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from k3k_core.manifests.blueprint import Manifest, OwnerReference
from k3k_core.manifests.config import DATASTORE_DIR
from k3k_core.manifests.database_clients import Database, Engine, client_files, etcd_variables
from k3k_core.manifests.metadata import metadata, secret
from k3k_core.manifests.pods import mount, secret_volume
from k3k_core.manifests.scripts import command
from k3k_core.manifests.tasks import WORK_DIR, Task, TaskContainer, k3s_image
from k3k_core.names import COMPONENT_TASK, ControlPlaneId
from k3k_core.pki.tokens import DATASTORE_KEY

if TYPE_CHECKING:
    from k3k_core.values import Values

PREFLIGHT, DUMP, LOAD = "preflight", "dump", "load"
DUMP_FILE = f"{WORK_DIR}/dump.sql"
# Its appearance tells a dump's Job that the file was fetched.
FETCHED_FILE = f"{WORK_DIR}/fetched"
LOAD_FILE = f"{WORK_DIR}/load.sql"

# The newest: pg_dump refuses servers that are newer than itself.
IMAGES: Mapping[Engine, str] = {
    "postgres": "docker.io/library/postgres:18-alpine",
    "mysql": "docker.io/library/mysql:8.4",
    "etcd": "quay.io/coreos/etcd:v3.6.8",
}
_CLIENT_DIR = "/etc/k3k/client"
_SPARE_SECONDS = 30


def database_image(values: Values, engine: Engine) -> str:
    """Return the image with the client of an external datastore.

    Args:
        values: `datastore.external.preflight.image`.
        engine: what the datastore is.
    """
    return values.datastore.external.preflight.image or IMAGES[engine]


def database_secret(
    identity: ControlPlaneId,
    what: str,
    database: Database,
    files: frozenset[str],
    owner: OwnerReference | None,
) -> Manifest:
    """Return the Secret that tells a Job's client where to connect.

    Args:
        identity: the control plane.
        what: the task, e.g. `PREFLIGHT`.
        database: Postgres or MySQL.
        files: which TLS files the user's own Secret holds.
        owner: the root Secret.
    """
    meta = metadata(identity, identity.task(what), COMPONENT_TASK, owner)
    return secret(meta, client_files(database, files))


def preflight_task(
    identity: ControlPlaneId, values: Values, engine: Engine, files: frozenset[str], *, seconds: int
) -> Task:
    """Return the task that proves that an external datastore can be reached and used.

    Args:
        identity: the control plane.
        values: its values.
        engine: what the datastore is.
        files: which TLS files the user's own Secret holds.
        seconds: how long to try.
    """
    if engine == "etcd":
        containers = _etcd_preflight(identity, values, files, seconds)
    else:
        run = command(f"{engine}-preflight", str(seconds))
        containers = [_client(values, engine, files, PREFLIGHT, run)]
    volumes = _volumes(identity, values, engine, files, PREFLIGHT)
    return Task(PREFLIGHT, containers, volumes, deadline=seconds + 2 * _SPARE_SECONDS, scratch="64Mi")


def dump_task(
    identity: ControlPlaneId, values: Values, engine: Engine, files: frozenset[str], *, seconds: int
) -> Task:
    """Return the task that writes a dump to `DUMP_FILE` and waits until `FETCHED_FILE` is there.

    Args:
        identity: the control plane.
        values: its values.
        engine: Postgres or MySQL.
        files: which TLS files the user's own Secret holds.
        seconds: how long it may take, fetching included.
    """
    dump = _client(values, engine, files, DUMP, command(f"{engine}-dump", DUMP_FILE))
    hold = TaskContainer("hold", k3s_image(values), command("await", FETCHED_FILE, str(seconds)))
    volumes = _volumes(identity, values, engine, files, DUMP)
    return Task(DUMP, [dump, hold], volumes, deadline=seconds + _SPARE_SECONDS, scratch="10Gi")


def load_task(
    identity: ControlPlaneId, values: Values, engine: Engine, files: frozenset[str], *, seconds: int
) -> Task:
    """Return the task that waits for `LOAD_FILE` and puts it in the place of what the database holds.

    Args:
        identity: the control plane.
        values: its values.
        engine: Postgres or MySQL.
        files: which TLS files the user's own Secret holds.
        seconds: how long it may take, sending included.
    """
    receive = TaskContainer("hold", k3s_image(values), command("await", LOAD_FILE, str(seconds)))
    load = _client(values, engine, files, LOAD, command(f"{engine}-load", LOAD_FILE))
    volumes = _volumes(identity, values, engine, files, LOAD)
    return Task(LOAD, [receive, load], volumes, deadline=seconds + _SPARE_SECONDS, scratch="10Gi")


def _client(
    values: Values,
    engine: Engine,
    files: frozenset[str],
    what: str,
    run: Sequence[str],
) -> TaskContainer:
    return TaskContainer(
        what,
        database_image(values, engine),
        run,
        _env(engine),
        [mount("client", _CLIENT_DIR, read_only=True), *_file_mounts(files)],
    )


def _env(engine: Engine) -> list[Mapping[str, Any]]:
    # Shells keep what they are given line by line in files of their own.
    found = {"HOME": WORK_DIR, "TMPDIR": WORK_DIR}
    if engine == "postgres":
        found |= {"PGSERVICEFILE": f"{_CLIENT_DIR}/pg_service.conf", "PGSERVICE": "k3k"}
    else:
        found |= {"K3K_CLIENT": f"{_CLIENT_DIR}/my.cnf", "K3K_DATABASE": f"{_CLIENT_DIR}/database"}
    return [{"name": name, "value": value} for name, value in found.items()]


def _etcd_preflight(
    identity: ControlPlaneId, values: Values, files: frozenset[str], seconds: int
) -> list[TaskContainer]:
    """Return three programs, one after the other: its image has no shell."""
    key = f"/k3k-preflight/{identity}"
    own = values.datastore.external.secret_name
    source = {"name": own, "key": "endpoint"} if own else {"name": identity.tokens, "key": DATASTORE_KEY}
    env: list[Mapping[str, Any]] = [
        {"name": name, "value": value} for name, value in etcd_variables(files).items()
    ]
    env.append({"name": "ETCDCTL_ENDPOINTS", "valueFrom": {"secretKeyRef": source}})
    wait = f"--command-timeout={seconds}s"
    return [
        TaskContainer(
            name,
            database_image(values, "etcd"),
            ["etcdctl", wait, f"--dial-timeout={seconds}s", *words],
            env,
            _file_mounts(files),
        )
        for name, words in (
            ("put", ("put", key, "1")),
            ("get", ("get", key)),
            ("delete", ("del", key)),
        )
    ]


def _file_mounts(files: frozenset[str]) -> list[dict[str, Any]]:
    return [mount("datastore", DATASTORE_DIR, read_only=True)] if files else []


def _volumes(
    identity: ControlPlaneId, values: Values, engine: Engine, files: frozenset[str], what: str
) -> list[dict[str, Any]]:
    found = [] if engine == "etcd" else [secret_volume("client", identity.task(what))]
    own = values.datastore.external.secret_name
    if files and own:
        found.append(secret_volume("datastore", own, sorted(files)))
    return found
