"""The values of backups."""

from __future__ import annotations

from pydantic import Field

from k3k_core.values import fields as f
from k3k_core.values.block import Block


class BackupVolume(Block):
    """A volume claim in the control plane's namespace that backups are written to."""

    enabled: bool = Field(default=False, description="Whether backups go to a volume.")
    claim_name: f.OptionalObjectName = Field(
        default="",
        description="A claim that exists. Empty: one is made, `NAME-k3k-backups`, and outlives deletion.",
    )
    size: f.Size = Field(default="10Gi", description="Size of the claim that is made.")
    storage_class: f.OptionalObjectName = Field(
        default="", description="Its storage class. Empty: the default."
    )


class BackupS3(Block):
    """A bucket of S3-compatible storage that backups are written to."""

    bucket: f.Bucket = Field(default="", description="Name of the bucket. Empty: backups do not go to S3.")
    endpoint: f.Url = Field(
        default="", description="URL of the storage. Empty: AWS.", examples=["https://s3.example.org"]
    )
    region: str = Field(default="us-east-1", description="Region of the bucket.")
    prefix: str = Field(default="", description="Beginning of every object's name.", examples=["k3k/"])
    secret_name: f.OptionalObjectName = Field(
        default="",
        description="Secret with `access_key_id` and `secret_access_key`. Empty: AWS_ACCESS_KEY_ID and so on from "
        "the environment of k3k.",
    )


class Retention(Block):
    """Which backups `k3k backup prune` keeps; one is always kept."""

    keep: f.Count = Field(default=7, description="So many of the newest; 0: by age alone.")
    keep_for: f.Duration | None = Field(
        default=None, description="Those younger than this as well.", examples=["30d"]
    )


class Backup(Block):
    """Backups: what is stored, the authorities, the tokens and the values, encrypted for who holds the key."""

    schedule: f.Schedule = Field(
        default="",
        description="When to take one, as in a CronJob (UTC). Empty: only when asked to. Needs `image`, "
        "`recipients`, and `s3` or `volume`.",
        examples=["17 3 * * *"],
    )
    image: f.Image | None = Field(
        default=None, description="Image with k3k in it, for backups by schedule; `Containerfile` makes one."
    )
    recipients: list[f.Recipient] = Field(
        default_factory=list,
        description="Public keys (age1...) of who may restore; `k3k backup key` makes a pair.",
        examples=[["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudjxy5hs9g0c9n"]],
    )
    retention: Retention = Field(default_factory=Retention)
    volume: BackupVolume = Field(default_factory=BackupVolume)
    s3: BackupS3 = Field(default_factory=BackupS3)
