"""Scripts for the files of a k3s server: what prepares them before a start, and what copies its sqlite database."""

from __future__ import annotations

# With the environment that `manifests.servers` gives it. A restore that is under way comes first: this waits for what
# k3k sends, and puts it in the place of what there is; wherever it is stopped, the next start goes on with it. k3s
# takes what is missing in `cred` and `tls` from its datastore.
# Then it puts the authorities where k3s looks for them, before its first start; what is there stays, since k3s owns
# it from then on. Each file appears whole or not at all, also when the pod is killed meanwhile. `cat` and not
# `cp`: the copies are writable, because k3s writes them again when it finds others in its datastore.
PREPARE_SERVER = """\
set -eu
umask 077
trap 'exit 143' TERM
text() { cat "$1" 2> /dev/null || :; }
if [ -n "${RESTORE-}" ] && [ "$(text "$SERVER_DIR/.k3k-restored")" != "$RESTORE" ]; then
  echo "waiting for what is restored: $RESTORE"
  until [ "$(text "$RESTORE_DIR/go")" = "$RESTORE" ]; do
    sleep 0.5
  done
  mkdir -p "$SERVER_DIR"
  if [ -e "$RESTORE_DIR/state.db" ]; then
    rm -rf "$SERVER_DIR/db" "$SERVER_DIR/tls" "$SERVER_DIR/cred"
    mkdir "$SERVER_DIR/db"
    mv "$RESTORE_DIR/state.db" "$SERVER_DIR/db/state.db"
  fi
  echo "$RESTORE" > "$SERVER_DIR/.k3k-restored.new"
  mv "$SERVER_DIR/.k3k-restored.new" "$SERVER_DIR/.k3k-restored"
  rm -rf "$RESTORE_DIR"
fi
# From the datastore and the tokens as they are now: k3s refuses one of its own that is newer than its datastore's.
[ -z "${PASSWD-}" ] || rm -f "$PASSWD"
mkdir -p "$TLS_DIR/etcd"
for file in "$PKI_DIR"/*; do
  name=${file##*/}
  case $name in
    etcd-*) target=$TLS_DIR/etcd/${name#etcd-} ;;
    *) target=$TLS_DIR/$name ;;
  esac
  if [ ! -e "$target" ]; then
    cat "$file" > "$target.new"
    mv "$target.new" "$target"
  fi
done
# Manifests of the values, as they are now; k3s applies what is in this directory.
rm -rf "$K3S_MANIFESTS_DIR"
if [ -d "$MANIFESTS_DIR" ]; then
  mkdir -p "$K3S_MANIFESTS_DIR"
  for file in "$MANIFESTS_DIR"/*; do
    cat "$file" > "$K3S_MANIFESTS_DIR/${file##*/}"
  done
fi
if [ -e "$TOKENS_DIR/node-password" ]; then
  mkdir -p "$NODE_DIR"
  cat "$TOKENS_DIR/node-password" > "$NODE_DIR/password"
fi
"""

# DATABASE FOLDER SECONDS: copy a sqlite database and its write-ahead log into a folder while whoever writes to it is
# held still, so that the two belong together as after a crash, which sqlite recovers from. Nobody is held longer than
# so many seconds, whatever becomes of this shell. The first process of a container cannot be held; k3s' is a child.
# Exit codes: 3 nobody has it open, 4 cannot be held, 5 took too long, 6 no room.
COPY_DATABASE = """\
set -eu
umask 077
database=$1 folder=$2 seconds=$3
refuse() {
  rm -rf "$folder"
  echo "$1" >&2
  exit "$2"
}
writers=
for process in /proc/[0-9]*; do
  if ls -l "$process/fd" 2> /dev/null | grep -qF " -> $database"; then
    writers="$writers ${process#/proc/}"
  fi
done
[ -n "$writers" ] || refuse "no process has $database open" 3
case "$writers " in
  *" 1 "*) refuse "what writes to $database is the first process of its container and cannot be held" 4 ;;
esac
rm -rf "$folder"
mkdir -p "$folder"
needed=$(($(wc -c < "$database") / 1024 + 1))
[ ! -e "$database-wal" ] || needed=$((needed + $(wc -c < "$database-wal") / 1024 + 1))
set -- $(df -Pk "$folder" | tail -n 1)
[ "$4" -gt "$needed" ] || refuse "$folder has no room for $needed KiB" 6
held() {
  for process in $writers; do
    for task in /proc/"$process"/task/*; do
      read -r line 2> /dev/null < "$task/stat" || return 1
      case ${line##*) } in
        [Tt]*) ;;
        *) return 1 ;;
      esac
    done
  done
}
release() { kill -CONT $writers 2> /dev/null || :; }
setsid sh -c 'sleep "$0"; for again in 1 2 3 4 5; do kill -CONT "$@"; sleep 1; done' "$seconds" $writers \\
  < /dev/null > /dev/null 2>&1 &
watch=$!
trap release EXIT
trap 'exit 143' HUP INT TERM
kill -STOP $writers
tries=0
until held; do
  tries=$((tries + 1))
  [ "$tries" -lt 50 ] || refuse "what writes to $database cannot be held" 4
  sleep 0.1
done
cat "$database" > "$folder/state.db"
[ ! -e "$database-wal" ] || cat "$database-wal" > "$folder/state.db-wal"
held || refuse "copying $database took longer than $seconds seconds" 5
release
kill "$watch" 2> /dev/null || :
"""

# Do nothing until somebody asks for the end.
WAIT = """\
trap 'exit 0' TERM INT
while :; do
  sleep 1
done
"""
