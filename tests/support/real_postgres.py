"""PostgreSQL as a real process on loopback, and the containers of rendered Jobs as processes beside it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Where Debian puts it, by its version.
_DEBIAN = Path("/usr/lib/postgresql")
# Of the owners of databases that are made without another.
OWNERS_WORD = "secret-word"
_ADMIN = "admin"
_PASSWORD = "pass word/@:#%"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server.

    Attributes:
        programs: folder of its programs.
        port: on 127.0.0.1.
        password: of the administrator `admin`.
    """

    programs: Path
    port: int
    password: str = field(repr=False)

    def run(self, sql: str, *, database: str = "postgres") -> str:
        """Run SQL as the administrator and return what it says."""
        command = [str(self.programs / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"]
        command += ["-p", str(self.port), "-U", _ADMIN, "-d", database]
        done = subprocess.run(
            command, input=sql, env={"PGPASSWORD": self.password}, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def new_database(self, name: str, *, password: str = OWNERS_WORD) -> str:
        """Make a database with an owner of its own, and return the DSN."""
        owner = f"{name}_owner"
        self.run("CREATE ROLE {} LOGIN PASSWORD '{}'".format(owner, password.replace("'", "''")))
        self.run(f"CREATE DATABASE {name} OWNER {owner}")
        return self.dsn(owner, password, name)

    def dsn(self, user: str, password: str, database: str) -> str:
        """Return a DSN as the values hold it."""
        from urllib.parse import quote

        return (
            f"postgres://{user}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}?sslmode=disable"
        )


def find_programs() -> Path | None:
    """Return the folder with PostgreSQL's programs, None when this machine has none."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


@contextmanager
def running_postgres(programs: Path) -> Iterator[Postgres]:
    """Run a server of its own for the time of a block.

    Args:
        programs: as `find_programs` returns it.
    """
    # Not below pytest's folders, which an ordinary user may not enter; and short, for the socket's sake.
    folder = Path(tempfile.mkdtemp(prefix="k3k-pg-"))
    try:
        prefix = _as_ordinary_user(folder)
        words = folder / "password"
        words.write_text(_PASSWORD)
        words.chmod(0o644)
        data = folder / "data"
        _run(
            [
                *prefix,
                str(programs / "initdb"),
                "-D",
                str(data),
                "-U",
                _ADMIN,
                "-A",
                "scram-sha-256",
                "--pwfile",
                str(words),
                "-N",
                "-E",
                "UTF8",
                "--locale",
                "C",
            ]
        )
        port = _free_port()
        options = (
            f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c log_destination=stderr"
        )
        control = [*prefix, str(programs / "pg_ctl"), "-D", str(data), "-w", "-t", "60"]
        _run([*control, "-l", str(folder / "log"), "-o", options, "start"])
        try:
            yield Postgres(programs, port, _PASSWORD)
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _as_ordinary_user(folder: Path) -> list[str]:
    """PostgreSQL refuses to be root."""
    if os.getuid() != 0:
        return []
    folder.chmod(0o777)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(
        command,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
    )
    assert done.returncode == 0, f"{command[-1]}: {done.stdout[-500:]}{done.stderr[-500:]}"


@dataclass(frozen=True, slots=True)
class TaskRunner:
    """Runs containers of a rendered Job as processes: their volumes are folders, all else is as it stands.

    Attributes:
        folder: where the volumes are.
        path: where programs are found.
    """

    folder: Path
    path: str

    def mounted(self, path: str) -> Path:
        """Return where a path of the container is."""
        return self.folder / path.lstrip("/")

    def secret(self, mount_path: str, data: Mapping[str, str]) -> None:
        """Put the contents of a Secret where it is mounted."""
        for name, text in data.items():
            path = self.mounted(mount_path) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o600)

    def run(self, container: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        """Run a container's command with its variables, and return how it ended."""
        mounts = [each["mountPath"] for each in container["volumeMounts"]]
        for each in mounts:
            self.mounted(each).mkdir(parents=True, exist_ok=True)
        env = {each["name"]: self._moved(each["value"], mounts) for each in container.get("env", ())}
        program, option, script, *arguments = container["command"]
        command = [program, option, script, *(self._moved(each, mounts) for each in arguments)]
        return subprocess.run(
            command,
            env={"PATH": self.path, "LC_ALL": "C", **env},
            capture_output=True,
            text=True,
            check=False,
        )

    def _moved(self, value: str, mounts: Sequence[str]) -> str:
        inside = any(value == each or value.startswith(f"{each}/") for each in mounts)
        return str(self.mounted(value)) if inside else value
