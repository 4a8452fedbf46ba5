"""Shell scripts that run in the images of Postgres and MySQL: proving that a database can be used, dumps, restores.

Where to connect they read from files: PGSERVICEFILE and PGSERVICE for Postgres, K3K_CLIENT (an option file) and
K3K_DATABASE (a file with the name of the database) for MySQL. WORK is a folder of their own.
"""

from __future__ import annotations

from textwrap import indent


def _wait(ask: str, *, missing: str, may_make: str, refused: str) -> str:
    """Return the lines that wait for a database, and end when waiting longer is of no use.

    Args:
        ask: the command that asks it something; SECONDS is the longest it is asked again.
        missing: pattern of what is said when the server has no such database.
        may_make: the line before an `if`, and that `if`, by which it is seen whether k3s may make the database.
        refused: pattern of what is said when the server does not let this user in.
    """
    return f"""\
end=$(($(date +%s) + $1))
until said=$({ask} 2>&1); do
  case $said in
    {missing})
{indent(may_make, " " * 6)}        echo "the database does not exist yet; k3s makes it"
        exit 0
      fi
      echo "$said, and this user may not make it" >&2
      exit 1
      ;;
    {refused})
      echo "$said" >&2
      exit 1
      ;;
  esac
  if [ "$(date +%s)" -ge "$end" ]; then
    echo "$said" >&2
    exit 1
  fi
  sleep 2
done
"""


# SECONDS: wait for the database so long, then see that a table can be made, filled, emptied and dropped; nothing of
# that stays. Told is how much k3s has stored there already.
POSTGRES_PREFLIGHT = "".join(
    (
        "set -eu\n",
        _wait(
            "psql -XqAt -c 'SELECT 1'",
            missing='*database*"does not exist"*',
            may_make="""\
query='SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user'
if [ "$(psql -d postgres -XqAt -c "$query")" = t ]; then
""",
            refused='*"authentication failed"* | *"no pg_hba.conf entry"* | *"ertificate"* | *"does not exist"*',
        ),
        """\
psql -Xq -v ON_ERROR_STOP=1 > /dev/null << SQL
BEGIN;
CREATE TABLE k3k_preflight (id BIGSERIAL PRIMARY KEY, value bytea);
CREATE INDEX k3k_preflight_index ON k3k_preflight (value);
INSERT INTO k3k_preflight (value) VALUES ('1');
UPDATE k3k_preflight SET value = '2';
DELETE FROM k3k_preflight;
DROP TABLE k3k_preflight;
ROLLBACK;
SQL
if [ -n "$(psql -XqAt -c "SELECT to_regclass('kine')")" ]; then
  echo "records: $(psql -XqAt -v ON_ERROR_STOP=1 -c 'SELECT count(*) FROM kine')"
else
  echo "records: 0"
fi
""",
    )
)

MYSQL_PREFLIGHT = "".join(
    (
        """\
set -eu
sql() {
  mysql --defaults-file="$K3K_CLIENT" "$@"
}
""",
        _wait(
            "sql -BN -e 'SELECT 1'",
            missing='*"Unknown database"*',
            may_make="""\
grant='GRANT (ALL PRIVILEGES|.*CREATE[ ,]).* ON [*][.][*]'
if sql --database=information_schema -BN -e 'SHOW GRANTS' | grep -Eq "$grant"; then
""",
            refused='*"Access denied"* | *"SSL"* | *"ertificate"*',
        ),
        """\
sql << SQL
DROP TABLE IF EXISTS k3k_preflight;
CREATE TABLE k3k_preflight (id BIGINT UNSIGNED AUTO_INCREMENT, value MEDIUMBLOB, PRIMARY KEY (id));
CREATE INDEX k3k_preflight_index ON k3k_preflight (id);
INSERT INTO k3k_preflight (value) VALUES ('1');
UPDATE k3k_preflight SET value = '2';
DELETE FROM k3k_preflight;
DROP TABLE k3k_preflight;
SQL
if [ -n "$(sql -BN -e "SHOW TABLES LIKE 'kine'")" ]; then
  echo "records: $(sql -BN -e 'SELECT count(*) FROM kine')"
else
  echo "records: 0"
fi
""",
    )
)

# FILE: write a dump of k3s' table; it appears whole or not at all.
POSTGRES_DUMP = """\
set -eu
umask 077
pg_dump --table=kine --no-owner --no-privileges --clean --if-exists --file="$1.part"
mv "$1.part" "$1"
"""

MYSQL_DUMP = """\
set -eu
umask 077
mysqldump --defaults-file="$K3K_CLIENT" --single-transaction --no-tablespaces --hex-blob --complete-insert \\
  --skip-extended-insert --skip-add-locks --skip-lock-tables --skip-triggers --skip-dump-date \\
  "$(cat "$K3K_DATABASE")" kine > "$1.part"
mv "$1.part" "$1"
"""

# FILE: put the table in the place of the one that is there, all of it or nothing.
POSTGRES_LOAD = """\
set -eu
umask 077
# What pg_dump of Postgres 17 sets, an older server does not know.
sed '/^SET transaction_timeout = /d' "$1" > "$1.sql"
psql -Xq -v ON_ERROR_STOP=1 --single-transaction --file="$1.sql" > /dev/null
rm -f "$1.sql"
"""

# FILE: put the table in the place of the one that is there. MySQL has no way back half-way: run it again.
MYSQL_LOAD = """\
set -eu
mysql --defaults-file="$K3K_CLIENT" < "$1"
"""

DATABASE_SCRIPTS = {
    "postgres-preflight": POSTGRES_PREFLIGHT,
    "postgres-dump": POSTGRES_DUMP,
    "postgres-load": POSTGRES_LOAD,
    "mysql-preflight": MYSQL_PREFLIGHT,
    "mysql-dump": MYSQL_DUMP,
    "mysql-load": MYSQL_LOAD,
}
