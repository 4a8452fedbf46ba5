"""Shell scripts that k3k runs in containers of the k3s image, by the name they are called with.

They use no more than the busybox in that image has (https://github.com/k3s-io/k3s-root, package/busybox): `sh`, `cat`,
`head`, `tail`, `wc`, `mkdir`, `mv`, `rm`, `ls`, `grep`, `df`, `sleep`, `kill`, `setsid`; not `stat` or `timeout`. Each
is run as `/bin/sh -c SCRIPT NAME ARGUMENT...`: its name is `$0`, so that a process list shows it.
"""

from __future__ import annotations

from collections.abc import Mapping

from k3k_core.manifests.database_scripts import DATABASE_SCRIPTS
from k3k_core.manifests.server_scripts import COPY_DATABASE, PREPARE_SERVER, WAIT

# PATH: write a file to the standard output.
SEND = 'exec cat "$1"\n'

# PATH SIZE [SHA256]: take a file of so many bytes from the standard input; it appears whole or not at all. All of the
# input is read whatever happens: hosts from Kubernetes 1.30 on do not tell the end of a program that leaves some. Parts
# that somebody gave up are cleared away. The digest is looked at where the image has a program for it.
RECEIVE = """\
set -eu
umask 077
rm -f "$1".*.part
part=$1.$$.part
trap 'rm -f "$part"' EXIT
head -c "$2" | {
  { mkdir -p "${1%/*}" && cat > "$part"; } || { cat > /dev/null; exit 1; }
}
if [ "$(wc -c < "$part")" -ne "$2" ]; then
  echo "only a part arrived" >&2
  exit 1
fi
if [ -n "${3-}" ] && command -v sha256sum > /dev/null; then
  if [ "$(sha256sum < "$part")" != "$3  -" ]; then
    echo "it arrived damaged" >&2
    exit 1
  fi
fi
mv "$part" "$1"
"""

# PATH: the size of a file in bytes; exit code 3 when it is not there.
MEASURE = '[ -f "$1" ] || exit 3; exec wc -c < "$1"\n'

# PATH...: remove files; those that are gone already are no failure.
REMOVE = 'exec rm -f "$@"\n'

# FOLDER: the names of the files in a folder, one a line; nothing for a folder that does not exist.
LIST = '[ ! -d "$1" ] || exec ls -1 "$1"\n'

# DATA_DIR, with POD_NAME, STATE and JOINING: let a member of an etcd start, unless its data is gone though the cluster
# has formed.
GUARD_ETCD_DATA = """\
for file in "$1"/member/wal/*.wal; do
  [ ! -e "$file" ] || exit 0
done
[ -n "${STATE-}" ] || exit 0
case " ${JOINING-} " in
  *" $POD_NAME "*) exit 0 ;;
esac
echo "$POD_NAME has no data, but its cluster has formed: its volume was lost." >&2
echo "Replace it with: k3k etcd replace-member; a cluster of one member needs a restore from a backup." >&2
exit 1
"""

# PATH SECONDS: wait until there is such a file.
AWAIT = """\
trap 'exit 143' TERM INT
left=$2
until [ -e "$1" ]; do
  if [ "$left" -le 0 ]; then
    echo "nobody brought $1 in time" >&2
    exit 1
  fi
  left=$((left - 1))
  sleep 1
done
"""

# SNAPSHOT RESTORED: wait for a snapshot; what an earlier attempt left is removed.
AWAIT_ETCD_SNAPSHOT = """\
set -eu
rm -rf "$2"
mkdir -p "${1%/*}"
for file in "${1%/*}"/*; do
  [ "$file" = "$1" ] || rm -f "$file"
done
echo "waiting for $1"
until [ -e "$1" ]; do
  sleep 0.2
done
"""

# RESTORED DATA ARRIVALS: put restored data in the place of what was there.
SWAP_ETCD_DATA = """\
set -eu
[ -d "$1/member" ]
rm -rf "$2"
mv "$1" "$2"
rm -rf "$3"
"""

SCRIPTS: Mapping[str, str] = {
    "await-etcd-snapshot": AWAIT_ETCD_SNAPSHOT,
    "swap-etcd-data": SWAP_ETCD_DATA,
    "prepare-server": PREPARE_SERVER,
    "copy-database": COPY_DATABASE,
    "wait": WAIT,
    "guard-etcd-data": GUARD_ETCD_DATA,
    "send": SEND,
    "receive": RECEIVE,
    "measure": MEASURE,
    "remove": REMOVE,
    "list": LIST,
    "await": AWAIT,
    **DATABASE_SCRIPTS,
}


def command(name: str, *arguments: str) -> list[str]:
    """Return the command line that runs a script.

    Args:
        name: a key of `SCRIPTS`.
        arguments: as the script takes them.
    """
    return ["/bin/sh", "-c", SCRIPTS[name], name, *arguments]
