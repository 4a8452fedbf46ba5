"""Kine's table as SQL text: what `pg_dump` and `mysqldump` write, read back, and the same text made from rows.

The text holds the whole table, so that a program that runs it (`psql`, `mysql`) leaves exactly that. Schemas are
kine's (https://github.com/k3s-io/kine, pkg/drivers/pgsql and pkg/drivers/mysql).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Literal, TypeVar

from k3k_core.datastores.kine import COLUMNS, Record, records_of, rows_of
from k3k_core.datastores.rows import Row
from k3k_core.errors import K3kError

T = TypeVar("T")
Dialect = Literal["postgres", "mysql"]

_INDEXES = (
    ("kine_name_index", "(name)", ""),
    ("kine_name_id_index", "(name,id)", ""),
    ("kine_id_deleted_index", "(id,deleted)", ""),
    ("kine_prev_revision_index", "(prev_revision)", ""),
    ("kine_name_prev_revision_uindex", "(name, prev_revision)", "UNIQUE "),
)
_POSTGRES_TABLE = """\
SET client_min_messages = warning;
DROP TABLE IF EXISTS kine;
CREATE TABLE kine (
  id BIGSERIAL PRIMARY KEY, name text COLLATE "C", created INTEGER, deleted INTEGER, create_revision BIGINT,
  prev_revision BIGINT, lease INTEGER, value bytea, old_value bytea
);
"""
_MYSQL_TABLE = """\
DROP TABLE IF EXISTS `kine`;
CREATE TABLE `kine` (
  `id` BIGINT UNSIGNED AUTO_INCREMENT, `name` VARCHAR(630) CHARACTER SET ascii, `created` INTEGER,
  `deleted` INTEGER, `create_revision` BIGINT UNSIGNED, `prev_revision` BIGINT UNSIGNED, `lease` INTEGER,
  `value` MEDIUMBLOB, `old_value` MEDIUMBLOB, PRIMARY KEY (`id`)
);
"""
_COPY = re.compile(rb"COPY (?:\S+\.)?\"?kine\"? \(([^)]*)\) FROM stdin;")
_INSERT = re.compile(rb"INSERT INTO `kine` \(([^)]*)\) VALUES ")
_VALUE = re.compile(rb"NULL|0x[0-9A-Fa-f]*|(?:_binary )?'(?:[^'\\]|\\.)*'|-?\d+", re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_CONTROL = {
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
    b"0": b"\0",
    b"Z": b"\x1a",
}


def write_sql(path: Path, dialect: Dialect, rows: Iterable[Row], *, revision: int = 0) -> None:
    """Write SQL text that makes kine's table hold the rows at their revisions, and no history.

    Args:
        path: of the file, which must not exist.
        dialect: whose SQL.
        rows: what it is to hold.
        revision: the revision it is to be at, if that is above those of the rows.

    Raises:
        K3kError: it cannot be written.
    """
    write = _write_postgres if dialect == "postgres" else _write_mysql
    try:
        path.touch(mode=0o600, exist_ok=False)
        with path.open("wb") as stream:
            write(stream, records_of(rows, revision=revision))
    except OSError as error:
        raise K3kError(f"{path} cannot be written: {error.strerror}", hint="Is there room?") from None


def read_rows(path: Path) -> list[Row]:
    """Return what a dump of kine's table holds now, ordered by key.

    Args:
        path: text of `pg_dump` or of `mysqldump --hex-blob --complete-insert`, one row a line.

    Raises:
        K3kError: it is no such dump, or only a part of one.
    """
    return _read(path, rows_of)


def current_revision(path: Path) -> int:
    """Return the revision the table of a dump is at; 0 when nothing was ever stored.

    Args:
        path: as `read_rows` takes it.

    Raises:
        K3kError: it is no such dump, or only a part of one.
    """
    return _read(path, lambda records: max((each.id for each in records), default=0))


def _read(path: Path, take: Callable[[Iterable[Record]], T]) -> T:
    try:
        with path.open("rb") as stream:
            return take(_records(stream))
    except OSError as error:
        raise K3kError(f"{path} cannot be read: {error.strerror}", hint="Name another file.") from None
    except (ValueError, KeyError) as error:
        raise K3kError(
            f"{path} is not a whole dump of a k3s database: {error}", hint="Dump it again."
        ) from None


def _write_postgres(stream: IO[bytes], records: Iterable[Record]) -> None:
    stream.write(_POSTGRES_TABLE.encode())
    stream.write(f"COPY kine ({', '.join(COLUMNS)}) FROM stdin;\n".encode())
    newest = 1
    for each in records:
        newest = max(newest, each.id)
        value = b"\\N" if each.value is None else b"\\\\x" + each.value.hex().encode()
        stream.write(
            b"\t".join([_number(each.id), _copied(each.name), *_numbers(each), value, b"\\N"]) + b"\n"
        )
    stream.write(b"\\.\n")
    for name, columns, unique in _INDEXES:
        stream.write(f"CREATE {unique}INDEX {name} ON kine {columns};\n".encode())
    stream.write(b"CREATE INDEX kine_list_query_index ON kine (name, id DESC, deleted);\n")
    # Otherwise the next change would be given the number of a row that is there.
    stream.write(f"SELECT pg_catalog.setval(pg_get_serial_sequence('kine', 'id'), {newest});\n".encode())


def _write_mysql(stream: IO[bytes], records: Iterable[Record]) -> None:
    stream.write(_MYSQL_TABLE.encode())
    names = ", ".join(f"`{name}`" for name in COLUMNS)
    for each in records:
        value = (
            b"NULL" if each.value is None else (b"0x" + each.value.hex().encode() if each.value else b"''")
        )
        fields = [_number(each.id), _quoted(each.name), *_numbers(each), value, b"NULL"]
        stream.write(f"INSERT INTO `kine` ({names}) VALUES (".encode() + b",".join(fields) + b");\n")  # noqa: S608 - quoted above
    for name, columns, unique in _INDEXES:
        stream.write(f"CREATE {unique}INDEX {name} ON kine {columns};\n".encode())


def _numbers(record: Record) -> list[bytes]:
    found = (record.created, record.deleted, record.create_revision, record.prev_revision, record.lease)
    return [_number(each) for each in found]


def _number(value: int) -> bytes:
    return str(value).encode()


def _copied(name: str) -> bytes:
    """Return a name as COPY takes it; keys have no control characters but may have a backslash."""
    return (
        name.encode()
        .replace(b"\\", b"\\\\")
        .replace(b"\t", b"\\t")
        .replace(b"\n", b"\\n")
        .replace(b"\r", b"\\r")
    )


def _quoted(name: str) -> bytes:
    return b"'" + name.encode().replace(b"\\", b"\\\\").replace(b"'", b"\\'") + b"'"


def _records(stream: Iterable[bytes]) -> Iterator[Record]:
    """Yield the records of a dump of either kind."""
    lines = iter(stream)
    seen = False
    for line in lines:
        if found := _COPY.match(line):
            seen = True
            yield from _copied_records(_columns(found[1]), lines)
        elif found := _INSERT.match(line):
            seen = True
            values = [each[0] for each in _VALUE.finditer(line, found.end())]
            yield _record(_columns(found[1]), values, _mysql_text)
        elif line.startswith((b"CREATE TABLE `kine`", b"CREATE TABLE kine", b"CREATE TABLE public.kine")):
            # Of MySQL, an empty table has nothing else.
            seen = True
    if not seen:
        raise ValueError("it has no table kine")


def _copied_records(columns: list[str], lines: Iterator[bytes]) -> Iterator[Record]:
    for line in lines:
        if line.rstrip(b"\n") == b"\\.":
            return
        yield _record(columns, line.rstrip(b"\n").split(b"\t"), _postgres_text)
    raise ValueError("it ends in the middle of the table")


def _columns(text: bytes) -> list[str]:
    return [each.strip(b' `"').decode() for each in text.split(b",")]


def _record(columns: list[str], values: list[bytes], text: Callable[[bytes], bytes | None]) -> Record:
    if len(columns) != len(values):
        raise ValueError("a row is not whole")
    found = dict(zip(columns, (text(each) for each in values), strict=True))

    def number(name: str) -> int:
        return int(found[name] or b"0")

    return Record(
        number("id"),
        (found["name"] or b"").decode(),
        number("created"),
        number("deleted"),
        number("create_revision"),
        number("prev_revision"),
        number("lease"),
        found["value"],
    )


def _postgres_text(value: bytes) -> bytes | None:
    if value == b"\\N":
        return None
    if value.startswith(b"\\\\x"):
        return bytes.fromhex(value[3:].decode())
    return _unescaped(value)


def _mysql_text(value: bytes) -> bytes | None:
    if value == b"NULL":
        return None
    if value.startswith(b"0x"):
        return bytes.fromhex(value[2:].decode())
    quoted = value.removeprefix(b"_binary ")
    return _unescaped(quoted[1:-1]) if quoted.startswith(b"'") else value


def _unescaped(value: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: _CONTROL.get(found[1], found[1]), value)
