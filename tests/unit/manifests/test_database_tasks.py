"""Jobs that prove, dump and load an external datastore: what they show, and what a real PostgreSQL makes of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from k3k_core.datastores import sql
from k3k_core.datastores.rows import Row
from k3k_core.manifests.database_clients import client_files, etcd_variables, parse_endpoint
from k3k_core.manifests.database_tasks import database_secret, dump_task, load_task, preflight_task
from k3k_core.manifests.metadata import secret_data
from k3k_core.manifests.tasks import Task, task_job
from k3k_core.names import ControlPlaneId
from k3k_core.values import Values, load_values
from tests.support.blueprints import EXTERNAL_VALUES
from tests.support.plain_etcd import plain_etcd
from tests.support.pod_security import violations
from tests.support.real_postgres import Postgres, TaskRunner, find_programs, running_postgres

IDENTITY = ControlPlaneId("tenants", "dev")
ROWS = [Row(f"/registry/configmaps/default/{n}", bytes([0, n, 92, 39]) * n, 10 + n, 5) for n in range(9)]
PROGRAMS = find_programs()
needs_postgres = pytest.mark.skipif(PROGRAMS is None, reason="needs PostgreSQL (Debian: postgresql)")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    assert PROGRAMS is not None
    with running_postgres(PROGRAMS) as server:
        yield server


@pytest.fixture
def runner(tmp_path: Path) -> TaskRunner:
    return TaskRunner(tmp_path, f"{PROGRAMS}:{os.environ['PATH']}")


def _values(**external: Any) -> Values:
    document = {"datastore": {"kind": "external", "external": external or {"secret_name": "dev-datastore"}}}
    return load_values(json.dumps(document)).values


def _containers(task: Task) -> list[dict[str, Any]]:
    pod = task_job(IDENTITY, _values(), task)["spec"]["template"]["spec"]
    return [*pod.get("initContainers", ()), *pod["containers"]]


def _container(task: Task, name: str) -> dict[str, Any]:
    return next(each for each in _containers(task) if each["name"] == name)


def _ready(runner: TaskRunner, endpoint: str, what: str) -> None:
    manifest = database_secret(IDENTITY, what, parse_endpoint(endpoint), frozenset(), None)
    runner.secret("/etc/k3k/client", secret_data(manifest))


def _preflight(runner: TaskRunner, endpoint: str, seconds: int = 10) -> tuple[int, str, str]:
    _ready(runner, endpoint, "preflight")
    task = preflight_task(IDENTITY, _values(), "postgres", frozenset(), seconds=seconds)
    done = runner.run(_container(task, "preflight"))
    return done.returncode, done.stdout.strip(), done.stderr.strip()


@pytest.mark.parametrize("engine", ["postgres", "mysql", "etcd"])
def test_no_job_shows_a_secret(engine: Any) -> None:
    values = load_values(EXTERNAL_VALUES).values
    tasks = [preflight_task(IDENTITY, values, engine, frozenset(), seconds=60)]
    if engine != "etcd":
        tasks += [make(IDENTITY, values, engine, frozenset(), seconds=60) for make in (dump_task, load_task)]
    for task in tasks:
        assert "secret-" not in json.dumps(task_job(IDENTITY, values, task))


@pytest.mark.parametrize("engine", ["postgres", "mysql", "etcd"])
def test_jobs_run_under_the_restricted_standard(engine: Any) -> None:
    task = preflight_task(IDENTITY, _values(), engine, frozenset({"ca.crt"}), seconds=60)
    assert violations(task_job(IDENTITY, _values(), task)["spec"]["template"]) == []


def test_a_job_is_tried_once_and_ends_by_itself() -> None:
    spec = task_job(
        IDENTITY, _values(), preflight_task(IDENTITY, _values(), "mysql", frozenset(), seconds=60)
    )["spec"]
    assert spec["backoffLimit"] == 0
    assert spec["activeDeadlineSeconds"] == 120
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_files_beside_the_dsn_make_the_connection_a_verified_one() -> None:
    files = frozenset({"ca.crt", "tls.crt", "tls.key"})
    text = client_files(parse_endpoint("postgres://u:p@db/dev"), files)["pg_service.conf"].splitlines()
    assert "sslmode=verify-full" in text
    assert "sslrootcert=/etc/k3k/datastore/ca.crt" in text
    assert "sslkey=/etc/k3k/datastore/tls.key" in text


def test_what_a_dsn_says_of_tls_is_stronger_than_that_and_what_only_the_driver_knows_is_left_out() -> None:
    dsn = "postgresql://u:p@db:5433/Dev?sslmode=require&pool_max_conns=3"
    text = client_files(parse_endpoint(dsn), {"ca.crt"})["pg_service.conf"].splitlines()
    assert "sslmode=require" in text
    assert "dbname=dev" in text
    assert not [line for line in text if line.startswith("pool_")]


def test_a_password_of_mysql_is_as_it_stands_in_the_dsn_and_kept_whole_in_the_option_file() -> None:
    database = parse_endpoint(r"mysql://k3s:a:b@/c#\d@tcp(db.example.org:3307)/dev?parseTime=true")
    assert (database.user, database.password, database.host, database.port) == (
        "k3s",
        r"a:b@/c#\d",
        "db.example.org",
        3307,
    )
    assert r'password="a:b@/c#\\d"' in client_files(database, ())["my.cnf"].splitlines()
    assert client_files(database, ())["database"] == "dev"


def test_a_dsn_without_a_database_is_of_the_one_that_kine_takes() -> None:
    assert parse_endpoint("mysql://u:p@tcp(db)/").database == "kubernetes"
    assert parse_endpoint("mysql://u:p@tcp(db)/").port == 3306
    assert parse_endpoint("postgres://u:p@db").database == "kubernetes"


def test_etcd_is_proved_by_writing_reading_and_deleting_one_key() -> None:
    task = preflight_task(IDENTITY, _values(), "etcd", frozenset({"ca.crt"}), seconds=30)
    key = "/k3k-preflight/tenants/dev"
    assert [each["command"][3:] for each in _containers(task)] == [
        ["put", key, "1"],
        ["get", key],
        ["del", key],
    ]
    assert etcd_variables({"ca.crt"}) == {"ETCDCTL_CACERT": "/etc/k3k/datastore/ca.crt"}
    (endpoints,) = [each for each in _containers(task)[0]["env"] if each["name"] == "ETCDCTL_ENDPOINTS"]
    assert endpoints["valueFrom"]["secretKeyRef"] == {"name": "dev-datastore", "key": "endpoint"}


@needs_postgres
def test_a_database_that_can_be_used_passes_the_preflight_and_keeps_nothing_of_it(
    postgres: Postgres, runner: TaskRunner
) -> None:
    dsn = postgres.new_database("usable", password="p w/@:#%'\\")
    assert _preflight(runner, dsn) == (0, "records: 0", "")
    assert postgres.run(r"\dt", database="usable") == ""


@needs_postgres
def test_a_wrong_password_fails_at_once_and_is_not_repeated(postgres: Postgres, runner: TaskRunner) -> None:
    postgres.new_database("guarded")
    code, _, said = _preflight(runner, postgres.dsn("guarded_owner", "wrong-word", "guarded"), seconds=3600)
    assert code == 1
    assert "password authentication failed" in said
    assert "wrong-word" not in said


@needs_postgres
def test_a_user_who_may_not_make_tables_fails(postgres: Postgres, runner: TaskRunner) -> None:
    postgres.new_database("foreign_db")
    postgres.run("CREATE ROLE guest LOGIN PASSWORD 'secret-word'")
    postgres.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC", database="foreign_db")
    code, _, said = _preflight(runner, postgres.dsn("guest", "secret-word", "foreign_db"))
    assert code != 0
    assert "permission denied for schema public" in said


@needs_postgres
def test_a_missing_database_fails_unless_the_user_may_make_it(postgres: Postgres, runner: TaskRunner) -> None:
    postgres.run(
        "CREATE ROLE maker LOGIN CREATEDB PASSWORD 'secret-word'; CREATE ROLE poor LOGIN PASSWORD 'secret-word'"
    )
    assert _preflight(runner, postgres.dsn("maker", "secret-word", "absent"))[0] == 0
    code, _, said = _preflight(runner, postgres.dsn("poor", "secret-word", "absent"))
    assert code == 1
    assert "this user may not make it" in said


@needs_postgres
def test_a_server_that_is_not_there_fails_when_the_time_is_over(runner: TaskRunner) -> None:
    code, _, said = _preflight(runner, "postgres://u:p@127.0.0.1:1/dev", seconds=0)
    assert code == 1
    assert "Connection refused" in said


@needs_postgres
def test_rows_that_are_loaded_come_back_in_the_dump(
    postgres: Postgres, runner: TaskRunner, tmp_path: Path
) -> None:
    dsn = postgres.new_database("moved")
    _ready(runner, dsn, "load")
    load = _container(load_task(IDENTITY, _values(), "postgres", frozenset(), seconds=60), "load")
    dump = _container(dump_task(IDENTITY, _values(), "postgres", frozenset(), seconds=60), "dump")
    (runner.folder / "work").mkdir()
    sql.write_sql(runner.mounted("/work/load.sql"), "postgres", ROWS, revision=500)
    # Twice: a load that was stopped is simply done again.
    for _ in range(2):
        done = runner.run(load)
        assert (done.returncode, done.stderr) == (0, "")
    assert runner.run(dump).returncode == 0
    assert sql.read_rows(runner.mounted("/work/dump.sql")) == ROWS
    assert postgres.run("SELECT nextval('kine_id_seq')", database="moved") == "501"
    assert _preflight(runner, dsn)[1] == f"records: {len(ROWS) + 2}"


@needs_postgres
def test_a_dump_takes_the_place_of_what_another_database_holds(
    postgres: Postgres, runner: TaskRunner
) -> None:
    load = _container(load_task(IDENTITY, _values(), "postgres", frozenset(), seconds=60), "load")
    dump = _container(dump_task(IDENTITY, _values(), "postgres", frozenset(), seconds=60), "dump")
    (runner.folder / "work").mkdir()
    for name, rows in (("original", ROWS), ("other", ROWS[:2])):
        _ready(runner, postgres.new_database(name), "load")
        runner.mounted("/work/load.sql").unlink(missing_ok=True)
        sql.write_sql(runner.mounted("/work/load.sql"), "postgres", rows)
        assert runner.run(load).returncode == 0
    _ready(runner, postgres.dsn("original_owner", "secret-word", "original"), "dump")
    assert runner.run(dump).returncode == 0
    _ready(runner, postgres.dsn("other_owner", "secret-word", "other"), "load")
    runner.mounted("/work/dump.sql").rename(runner.mounted("/work/load.sql"))
    done = runner.run(load)
    assert (done.returncode, done.stderr) == (0, "")
    assert postgres.run("SELECT count(*) FROM kine WHERE deleted = 0", database="other") == str(len(ROWS) + 1)


@needs_postgres
def test_a_load_that_fails_half_way_leaves_the_database_as_it_was(
    postgres: Postgres, runner: TaskRunner
) -> None:
    _ready(runner, postgres.new_database("kept"), "load")
    load = _container(load_task(IDENTITY, _values(), "postgres", frozenset(), seconds=60), "load")
    (runner.folder / "work").mkdir()
    path = runner.mounted("/work/load.sql")
    sql.write_sql(path, "postgres", ROWS)
    assert runner.run(load).returncode == 0
    path.write_bytes(path.read_bytes().replace(b"CREATE UNIQUE INDEX", b"CREATE NONSENSE"))
    assert runner.run(load).returncode != 0
    assert postgres.run("SELECT count(*) FROM kine", database="kept") == str(len(ROWS) + 1)


@needs_postgres
def test_a_dump_of_a_database_without_k3s_fails_and_leaves_no_file(
    postgres: Postgres, runner: TaskRunner
) -> None:
    _ready(runner, postgres.new_database("empty"), "dump")
    done = runner.run(_container(dump_task(IDENTITY, _values(), "postgres", frozenset(), seconds=60), "dump"))
    assert done.returncode != 0
    assert not runner.mounted("/work/dump.sql").exists()


@pytest.mark.skipif(
    shutil.which("etcd") is None or shutil.which("etcdctl") is None, reason="needs etcd and etcdctl"
)
def test_an_etcd_that_can_be_used_passes_the_preflight_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    task = preflight_task(IDENTITY, _values(), "etcd", frozenset(), seconds=30)
    with plain_etcd(tmp_path) as endpoint:
        env = {"PATH": os.environ["PATH"], "ETCDCTL_API": "3", "ETCDCTL_ENDPOINTS": endpoint}
        said = [_ran(each["command"], env) for each in _containers(task)]
        key = "/k3k-preflight/tenants/dev"
        assert said == ["OK", f"{key}\n1", "1"]
        assert _ran(["etcdctl", "get", "", "--prefix"], env) == ""


def _ran(command: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-300:]
    return done.stdout.strip()
