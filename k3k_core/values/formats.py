"""Checks of single texts: each returns the text to keep, or raises `RefusedError` saying what would be right.

The patterns are what the JSON Schema says about the same texts. A pattern never refuses what its check
accepts.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from k3k_core.values.refusal import RefusedError, shown
from k3k_core.versions import VersionError, supported

JOIN_PATTERN: Final = r"^[!-9;-~]{1,512}$"
DOMAIN_PATTERN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
OPTIONAL_DOMAIN_PATTERN: Final = rf"^({DOMAIN_PATTERN[1:-1]})?$"
PATH_PATTERN: Final = r"^/[-._A-Za-z0-9/]+$"
FILE_NAME_PATTERN: Final = r"^[-._a-zA-Z0-9]{1,253}$"
MODE_PATTERN: Final = r"^0?[0-7]{3}$"
QUALIFIED_NAME_PATTERN: Final = r"^([-.a-z0-9]{1,253}/)?[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$"
OPTIONAL_QUALIFIED_NAME_PATTERN: Final = rf"^({QUALIFIED_NAME_PATTERN[1:-1]})?$"
LABEL_VALUE_PATTERN: Final = r"^([A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?)?$"
REPOSITORY_PATTERN: Final = r"^[A-Za-z0-9]([-._:/A-Za-z0-9]*[A-Za-z0-9])?$"
IMAGE_PATTERN: Final = r"^[A-Za-z0-9][-._:/@A-Za-z0-9]*[A-Za-z0-9]$"
RECIPIENT_PATTERN: Final = r"^age1[ac-hj-np-z02-9]{58}$"
SCHEDULE_PATTERN: Final = r"^([-*/,0-9A-Za-z]+( +[-*/,0-9A-Za-z]+){4})?$"
BUCKET_PATTERN: Final = r"^([a-z0-9][-.a-z0-9]{1,61}[a-z0-9])?$"
URL_PATTERN: Final = r"^(https?://[^\s/]+(/.*)?)?$"
LOG_LEVEL_PATTERN: Final = r"^([0-9]|10)$"

_DOMAIN = re.compile(DOMAIN_PATTERN)
_QUALIFIED_NAME = re.compile(QUALIFIED_NAME_PATTERN)
_LABEL_VALUE = re.compile(LABEL_VALUE_PATTERN)
_TOKEN = re.compile(JOIN_PATTERN)
_BOOTSTRAP_TOKEN = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}")
_REPOSITORY = re.compile(
    r"(?:[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)*(?::[0-9]{1,5})?/)?"
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_TAG = re.compile(r"[\w][-.\w]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

# Where the data volume must not be mounted: the image's own files, the kernel's, or what k3k mounts itself.
_RESERVED = ("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "run", "sbin", "sys", "tmp", "usr")


def version(text: str) -> str:
    """A k3s version that k3k can run, normalised to `vX.Y.Z+k3sN`."""
    try:
        return str(supported(text))
    except VersionError as error:
        raise RefusedError(error.problem, error.remedy) from None


def token(text: str) -> str:
    """A password that servers or agents join with (k3s.md 2.7: bare password form)."""
    remedy = "use letters, digits and punctuation without `:`, or leave it out and one is generated"
    if not text:
        raise RefusedError("is empty", remedy)
    if text.startswith("K10"):
        raise RefusedError(
            "begins with K10, the mark of a full token, which holds the hash of a CA that does not exist yet",
            "give only the password, the part after the last `:`",
        )
    if any(character.isspace() for character in text):
        raise RefusedError("contains white space", remedy)
    if ":" in text:
        raise RefusedError("contains `:`, which k3s splits tokens at", remedy)
    if _BOOTSTRAP_TOKEN.fullmatch(text):
        raise RefusedError(
            "has the form of a bootstrap token, which k3s would take it for", "use another text"
        )
    if not _TOKEN.match(text):
        raise RefusedError("is longer than 512 characters or not plain ASCII", remedy)
    return text


def domain(text: str) -> str:
    """A DNS name in lower case, as Kubernetes wants them (RFC 1123)."""
    if len(text) > 253 or not _DOMAIN.fullmatch(text) or any(len(part) > 63 for part in text.split(".")):
        raise RefusedError(
            f"{shown(text)} is not a DNS name",
            "use labels of lower-case letters, digits and `-` with dots between them, e.g. `cluster.local`",
        )
    if text.rsplit(".", 1)[-1].isdigit():
        raise RefusedError(
            f"{shown(text)} is an address or a number, not a DNS name", "use a name, e.g. `cluster.local`"
        )
    return text


def object_name(text: str) -> str:
    """Name of an object in the host cluster: a DNS subdomain."""
    if len(text) > 253 or not _DOMAIN.fullmatch(text):
        raise RefusedError(
            f"{shown(text)} cannot be the name of a Kubernetes object",
            "use lower-case letters, digits, `-` and `.`, beginning and ending with a letter or digit",
        )
    return text


def optional_object_name(text: str) -> str:
    """Name of an object, or "" for none."""
    return object_name(text) if text else text


def data_dir(text: str) -> str:
    """Directory of k3s' state inside the pod; a volume is mounted there."""
    example = "use e.g. `/var/lib/rancher/k3s`"
    mount_path(text, example)
    if text.split("/")[1] in _RESERVED:
        raise RefusedError(f"{shown(text)} is or lies in a directory that the server needs itself", example)
    return text


def mount_path(text: str, example: str = "use e.g. `/etc/extra`") -> str:
    """Absolute path in its shortest form, where something can be mounted."""
    if not text.startswith("/"):
        raise RefusedError(f"{shown(text)} is not an absolute path", example)
    if not re.fullmatch(PATH_PATTERN, text) or len(text) > 200:
        raise RefusedError(
            f"{shown(text)} is not usable as a directory",
            f"use at most 200 letters, digits, `.`, `_`, `-` and `/`, {example.removeprefix('use ')}",
        )
    clean = posixpath.normpath(text)
    if clean != text:
        raise RefusedError(f"{shown(text)} is not in its shortest form", f"write `{clean}`")
    return text


def secret_key(text: str) -> str:
    """Key of a Secret: a file name without directories."""
    if "/" in text:
        raise RefusedError(f"{shown(text)} is a path", "give a file name only, e.g. `kubeconfig.yaml`")
    if not re.fullmatch(FILE_NAME_PATTERN, text) or text == "." or text.startswith(".."):
        raise RefusedError(
            f"{shown(text)} cannot be a key of a Secret",
            "use letters, digits, `.`, `_` and `-`, not beginning with `..`, e.g. `kubeconfig.yaml`",
        )
    return text


def file_mode(text: str) -> str:
    """Mode of a file as four octal digits."""
    if not re.fullmatch(MODE_PATTERN, text):
        raise RefusedError(
            f"{shown(text)} is not a file mode from 0000 to 0777", 'write octal digits, e.g. `"0600"`'
        )
    mode = int(text, 8)
    if mode & 0o600 != 0o600:
        raise RefusedError(
            f"{shown(text)} locks k3s out of the file, which it writes at every start", 'write e.g. `"0600"`'
        )
    if mode & 0o002:
        raise RefusedError(f"{shown(text)} lets everybody write the file", 'write e.g. `"0600"` or `"0644"`')
    return f"{mode:04o}"


def qualified_name(text: str) -> str:
    """Key of a label or annotation: `name` or `prefix/name`."""
    prefix, slash, name = text.rpartition("/")
    if not _QUALIFIED_NAME.fullmatch(text) or (slash and not _DOMAIN.fullmatch(prefix)):
        raise RefusedError(
            f"{shown(text)} is not a Kubernetes key",
            "write `name` or `example.org/name`; the name has at most 63 letters, digits, `-`, `_` and `.`",
        )
    return f"{prefix}{slash}{name}"


def optional_qualified_name(text: str) -> str:
    """A qualified name, or "" for none."""
    return qualified_name(text) if text else text


def label_value(text: str) -> str:
    """Value of a label."""
    if not _LABEL_VALUE.fullmatch(text):
        raise RefusedError(
            f"{shown(text)} cannot be the value of a label",
            "use at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit",
        )
    return text


def repository(text: str) -> str:
    """An image without tag and digest."""
    if not _REPOSITORY.fullmatch(text) or len(text) > 255:
        if re.search(r":[^/]*$|@", text):
            raise RefusedError(
                "a tag or digest belongs to `version`, not to the repository", "write e.g. `rancher/k3s`"
            )
        raise RefusedError(f"{shown(text)} is not an image repository", "write e.g. `rancher/k3s`")
    return text


def image(text: str) -> str:
    """An image with a tag or a digest."""
    name, at, digest = text.partition("@")
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        head, tag = name, ""
    good = (
        _REPOSITORY.fullmatch(head)
        and (not at or _DIGEST.fullmatch(digest))
        and (not tag or _TAG.fullmatch(tag))
        and len(text) <= 512
    )
    if not good:
        raise RefusedError("this is not an image", "write `repository:tag` or `repository@sha256:...`")
    if not tag and not at:
        raise RefusedError(f"{shown(text)} has neither tag nor digest", "write `repository:tag`")
    return text


def log_level(text: str) -> str:
    """Verbosity of the Kubernetes components, klog's `v`."""
    if not re.fullmatch(LOG_LEVEL_PATTERN, text):
        raise RefusedError(
            f"{shown(text)} is not a number from 0 to 10", 'write e.g. `"0"`, or `"4"` to see requests'
        )
    return text


def recipient(text: str) -> str:
    """The public half of an age key (https://age-encryption.org/v1)."""
    if text.startswith("AGE-SECRET-KEY"):
        raise RefusedError("is a secret key", "give the public key, which `k3k backup key` prints")
    if not re.fullmatch(RECIPIENT_PATTERN, text):
        raise RefusedError(
            f"{shown(text)} is no public key", "`k3k backup key` prints yours: age1 and 58 characters"
        )
    return text


def schedule(text: str) -> str:
    """When a CronJob runs: five fields, or nothing."""
    example = "write five fields as for cron, e.g. `17 3 * * *`"
    if not re.fullmatch(SCHEDULE_PATTERN, text):
        raise RefusedError(f"{shown(text)} is not a schedule", example)
    limits = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
    for field, (low, high) in zip(text.split(), limits, strict=False):
        for number in re.findall(r"(?<![/0-9A-Za-z])[0-9]+", field):
            if not low <= int(number) <= high:
                raise RefusedError(f"{shown(text)} has {number} where {low} to {high} is possible", example)
    return text


def bucket(text: str) -> str:
    """Name of a bucket of S3-compatible storage, or nothing."""
    if not re.fullmatch(BUCKET_PATTERN, text):
        raise RefusedError(
            f"{shown(text)} is no name of a bucket", "use 3 to 63 of a-z, 0-9, dashes and dots"
        )
    return text


def url(text: str) -> str:
    """URL of a server, or nothing."""
    if not re.fullmatch(URL_PATTERN, text):
        raise RefusedError(f"{shown(text)} is no URL", "write e.g. `https://s3.example.org`")
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise RefusedError("holds credentials", "put them into a Secret: `secret_name`")
    return text
