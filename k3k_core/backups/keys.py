"""Keys of backups: who may restore them is who holds an age key (https://age-encryption.org/v1)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from k3k_core.errors import K3kError, UsageError

if TYPE_CHECKING:
    from pyrage import x25519

# Names another key file.
KEY_FILE_VARIABLE = "K3K_BACKUP_KEY_FILE"
RECIPIENT_PATTERN = r"age1[a-z0-9]{58}"
_RECIPIENT = re.compile(RECIPIENT_PATTERN, re.ASCII)
_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Key:
    """A pair of keys.

    Attributes:
        path: the file that holds it.
        recipient: its public half, `age1...`.
        made: whether it was made just now.
    """

    path: Path
    recipient: str
    made: bool = False


@dataclass(frozen=True, slots=True)
class Identities:
    """Private keys.

    Attributes:
        keys: what opens archives (secret).
        recipients: their public halves.
    """

    keys: tuple[x25519.Identity, ...] = field(repr=False)
    recipients: tuple[str, ...]


def key_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the user's key is or would be.

    Args:
        environ: `K3K_BACKUP_KEY_FILE` names another place.
    """
    if environ.get(KEY_FILE_VARIABLE):
        return Path(environ[KEY_FILE_VARIABLE])
    import platformdirs

    return Path(platformdirs.user_config_dir("k3k")) / "backup.key"


def ensure_key(path: Path) -> Key:
    """Return the key of a file, making both when there is none.

    Args:
        path: of the file; it is made readable by its owner alone.

    Raises:
        K3kError: the file cannot be read or written, or holds no key.
    """
    from pyrage import x25519

    if path.exists():
        return Key(path, read_identities(path).recipients[0])
    identity = x25519.Identity.generate()
    recipient = str(identity.to_public())
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = f"# created: {created}\n# public key: {recipient}\n{identity}\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Of two processes one makes the file, and the other takes it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Key(path, read_identities(path).recipients[0])
    except OSError as error:
        raise K3kError(f"The key file {path} cannot be written: {error.strerror}.") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return Key(path, recipient, made=True)


def read_identities(path: Path) -> Identities:
    """Read the private keys of a file, one a line, as `age-keygen` writes them.

    Args:
        path: of the file.

    Raises:
        UsageError: there is no such file, or no key in it.
    """
    from pyrage import IdentityError, x25519

    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST).decode("utf-8", "replace")
    except FileNotFoundError:
        raise UsageError(
            f"There is no key file {path}.",
            hint="Name the file that holds the key of the backup with --key-file; without the key nobody can open it.",
        ) from None
    except OSError as error:
        raise UsageError(f"The key file {path} cannot be read: {error.strerror}.") from None
    lines = [line.strip() for line in text.splitlines()]
    try:
        keys = tuple(x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#"))
    except IdentityError:
        keys = ()
    if not keys:
        raise UsageError(
            f"The file {path} holds no usable key.",
            hint="It must hold a line that begins with AGE-SECRET-KEY-1; `k3k backup key` makes one.",
        )
    return Identities(keys, tuple(str(key.to_public()) for key in keys))


def is_recipient(text: str) -> bool:
    """Tell whether a text has the form of a public key.

    Args:
        text: e.g. "age1...".
    """
    return _RECIPIENT.fullmatch(text) is not None


def parse_recipients(texts: Sequence[str]) -> list[x25519.Recipient]:
    """Return the public keys that archives are encrypted for.

    Args:
        texts: `age1...` each.

    Raises:
        UsageError: one is no public key.
    """
    from pyrage import RecipientError, x25519

    found = []
    for text in texts:
        try:
            found.append(x25519.Recipient.from_str(text))
        except RecipientError:
            raise UsageError(
                f"{text[:12]}... is no public key of a backup.",
                hint="`k3k backup key` prints yours; it begins with age1.",
            ) from None
    return found


def key_exists(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the user has a key.

    Args:
        environ: `K3K_BACKUP_KEY_FILE` names another place for it.
    """
    return key_path(environ).is_file()
