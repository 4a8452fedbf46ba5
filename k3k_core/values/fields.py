"""Types of single values: a check, and what the JSON Schema says about the same text."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from k3k_core.values import amounts, datastores, flags, formats, networks
from k3k_core.versions import VERSION_PATTERN


def _text(pattern: str = "", kind: str = "", **more: Any) -> WithJsonSchema:
    """Schema of a text; `kind` names it for people, as the schema's `format`."""
    schema: dict[str, Any] = {"type": "string"}
    if pattern:
        schema["pattern"] = pattern
    if kind:
        schema["format"] = kind
    return WithJsonSchema({**schema, **more})


def _number_as_text(value: object) -> object:
    """Accept a plain number where Kubernetes does: `cpu: 2`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def _whole_number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Version = Annotated[str, AfterValidator(formats.version), _text(VERSION_PATTERN, "k3s version")]
Token = Annotated[str, AfterValidator(formats.token), _text(formats.JOIN_PATTERN, "secret", writeOnly=True)]
Endpoint = Annotated[
    str, AfterValidator(datastores.endpoint), _text(datastores.ENDPOINT_PATTERN, "secret", writeOnly=True)
]
Networks = Annotated[str, AfterValidator(networks.networks), _text(networks.CIDRS_PATTERN, "network")]
Network = Annotated[str, AfterValidator(networks.network), _text(networks.CIDR_PATTERN, "network")]
Addresses = Annotated[
    str, AfterValidator(networks.addresses), _text(networks.ADDRESSES_PATTERN, "IP address")
]
ServiceAddress = Annotated[
    str, AfterValidator(networks.service_address), _text(networks.OPTIONAL_ADDRESS_PATTERN, "IP address")
]
SubjectName = Annotated[
    str, AfterValidator(networks.subject_name), _text(networks.SUBJECT_NAME_PATTERN, "DNS name or IP address")
]
Domain = Annotated[
    str, AfterValidator(formats.domain), _text(formats.DOMAIN_PATTERN, "DNS name", maxLength=253)
]
ObjectName = Annotated[
    str, AfterValidator(formats.object_name), _text(formats.DOMAIN_PATTERN, "object name", maxLength=253)
]
OptionalObjectName = Annotated[
    str,
    AfterValidator(formats.optional_object_name),
    _text(formats.OPTIONAL_DOMAIN_PATTERN, "object name", maxLength=253),
]
DataDir = Annotated[
    str, AfterValidator(formats.data_dir), _text(formats.PATH_PATTERN, "absolute path", maxLength=200)
]
MountPath = Annotated[
    str, AfterValidator(formats.mount_path), _text(formats.PATH_PATTERN, "absolute path", maxLength=200)
]
SecretKey = Annotated[str, AfterValidator(formats.secret_key), _text(formats.FILE_NAME_PATTERN, "file name")]
FileMode = Annotated[str, AfterValidator(formats.file_mode), _text(formats.MODE_PATTERN, "octal file mode")]
OptionalQualifiedName = Annotated[
    str,
    AfterValidator(formats.optional_qualified_name),
    _text(formats.OPTIONAL_QUALIFIED_NAME_PATTERN, "name"),
]
QualifiedName = Annotated[
    str, AfterValidator(formats.qualified_name), _text(formats.QUALIFIED_NAME_PATTERN, "name")
]
LabelValue = Annotated[
    str, AfterValidator(formats.label_value), _text(formats.LABEL_VALUE_PATTERN, "label value")
]
Repository = Annotated[
    str,
    AfterValidator(formats.repository),
    _text(formats.REPOSITORY_PATTERN, "image without tag", maxLength=255),
]
Image = Annotated[str, AfterValidator(formats.image), _text(formats.IMAGE_PATTERN, "image", maxLength=512)]
Duration = Annotated[
    str, AfterValidator(amounts.duration), _text(amounts.DURATION_PATTERN, "time span", maxLength=24)
]
Recipient = Annotated[str, AfterValidator(formats.recipient), _text(formats.RECIPIENT_PATTERN, "public key")]
Schedule = Annotated[str, AfterValidator(formats.schedule), _text(formats.SCHEDULE_PATTERN, "cron schedule")]
Bucket = Annotated[str, AfterValidator(formats.bucket), _text(formats.BUCKET_PATTERN, "name of a bucket")]
Url = Annotated[str, AfterValidator(formats.url), _text(formats.URL_PATTERN, "URL")]
ExtraArg = Annotated[str, AfterValidator(flags.extra_arg), _text(flags.EXTRA_ARG_PATTERN, "k3s server flag")]
Cpu = Annotated[
    str,
    BeforeValidator(_number_as_text),
    AfterValidator(amounts.cpu),
    WithJsonSchema(
        {
            "type": ["string", "number"],
            "pattern": amounts.QUANTITY_PATTERN,
            "exclusiveMinimum": 0,
            "format": "quantity",
        }
    ),
]
Size = Annotated[
    str,
    BeforeValidator(_whole_number_as_text),
    AfterValidator(amounts.size),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "pattern": amounts.QUANTITY_PATTERN,
            "minimum": 1048576,
            "format": "quantity",
        }
    ),
]
LogLevel = Annotated[
    str,
    BeforeValidator(_whole_number_as_text),
    AfterValidator(formats.log_level),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "pattern": formats.LOG_LEVEL_PATTERN,
            "minimum": 0,
            "maximum": 10,
            "format": "number",
        }
    ),
]
Servers = Annotated[int, Field(ge=1, le=32)]
NodePort = Annotated[int, Field(ge=30000, le=32767)]
Count = Annotated[int, Field(ge=0, le=10_000)]
Seconds = Annotated[int, Field(ge=0, le=2**31 - 1)]
