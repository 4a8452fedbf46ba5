"""Kine's table as SQL text, as it is written here and as pg_dump and mysqldump write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from k3k_core.datastores.rows import Row
from k3k_core.datastores.sql import Dialect, current_revision, read_rows, write_sql
from k3k_core.errors import K3kError

ROWS = [
    Row("/bootstrap/1a2b", b"\x00secret\xff", 2, 2),
    Row("/registry/configmaps/default/a", b"", 17, 5),
    Row("/registry/configmaps/default/it's\\odd", b"\\.\n", 18, 18, 3600),
]
PG_DUMP = b"""\
--
-- PostgreSQL database dump
--
SET statement_timeout = 0;
ALTER TABLE IF EXISTS ONLY public.kine DROP CONSTRAINT IF EXISTS kine_pkey;
DROP TABLE IF EXISTS public.kine;
CREATE TABLE public.kine (
    id bigint NOT NULL,
    name text COLLATE pg_catalog."C"
);
COPY public.kine (id, name, created, deleted, create_revision, prev_revision, lease, value, old_value) FROM stdin;
1\tcompact_rev_key\t1\t0\t0\t7\t0\t\\\\x\t\\N
4\t/registry/pods/a/b\t1\t0\t0\t0\t0\t\\\\x6f6c64\t\\N
7\t/registry/pods/a/b\t0\t0\t4\t4\t0\t\\\\x6e6577\t\\\\x6f6c64
8\t/registry/pods/a/c\t1\t0\t0\t0\t0\t\\\\x63\t\\N
9\t/registry/pods/a/c\t0\t1\t8\t8\t0\t\\\\x63\t\\\\x63
10\tgap-10\t0\t1\t0\t0\t0\t\\N\t\\N
\\.
SELECT pg_catalog.setval('public.kine_id_seq', 10, true);
"""
MYSQLDUMP = b"""\
-- MariaDB dump 10.19
DROP TABLE IF EXISTS `kine`;
CREATE TABLE `kine` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT
) ENGINE=InnoDB;
INSERT INTO `kine` (`id`, `name`, `created`, `deleted`, `create_revision`, `prev_revision`, `lease`, `value`, \
`old_value`) VALUES (4,'/registry/pods/a/b',1,0,0,0,0,0x6F6C64,NULL);
INSERT INTO `kine` (`id`, `name`, `created`, `deleted`, `create_revision`, `prev_revision`, `lease`, `value`, \
`old_value`) VALUES (7,'/registry/pods/a/b',0,0,4,4,15,0x6E6577,0x6F6C64);
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dump.sql"


@pytest.mark.parametrize("dialect", ["postgres", "mysql"])
def test_rows_come_back_with_their_revisions_and_leases(path: Path, dialect: Dialect) -> None:
    write_sql(path, dialect, ROWS, revision=99)
    assert read_rows(path) == ROWS


@pytest.mark.parametrize("dialect", ["postgres", "mysql"])
def test_the_table_is_at_the_revision_though_no_row_is(path: Path, dialect: Dialect) -> None:
    write_sql(path, dialect, ROWS, revision=99)
    assert current_revision(path) == 99


def test_the_next_change_gets_a_number_of_its_own_in_postgres(path: Path) -> None:
    write_sql(path, "postgres", ROWS, revision=99)
    assert b"setval(pg_get_serial_sequence('kine', 'id'), 99)" in path.read_bytes()


def test_of_a_dump_of_postgres_the_newest_of_a_name_counts_and_what_is_deleted_does_not(path: Path) -> None:
    path.write_bytes(PG_DUMP)
    assert read_rows(path) == [Row("/registry/pods/a/b", b"new", 7, 4)]


def test_of_a_dump_of_mysql_the_newest_of_a_name_counts(path: Path) -> None:
    path.write_bytes(MYSQLDUMP)
    assert read_rows(path) == [Row("/registry/pods/a/b", b"new", 7, 4, 15)]


def test_a_dump_cut_short_is_not_taken_for_a_whole_one(path: Path) -> None:
    path.write_bytes(PG_DUMP[: PG_DUMP.index(b"8\t/registry")])
    with pytest.raises(K3kError, match="it ends in the middle of the table"):
        read_rows(path)


@pytest.mark.parametrize("content", [b"", b"SELECT 1;\n"])
def test_text_without_the_table_is_no_dump(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(K3kError, match="it has no table kine"):
        read_rows(path)


def test_a_row_that_is_not_whole_is_an_error_without_its_contents(path: Path) -> None:
    path.write_bytes(PG_DUMP.replace(b"\t\\\\x6e6577\t", b"\t"))
    with pytest.raises(K3kError, match="a row is not whole") as caught:
        read_rows(path)
    assert "6f6c64" not in str(caught.value)
