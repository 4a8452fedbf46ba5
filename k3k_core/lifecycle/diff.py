"""What an apply of given values would change, as the host itself computes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from k3k_core import manifests
from k3k_core.concurrency import all_of, together
from k3k_core.errors import NotFoundError
from k3k_core.host import HostApi
from k3k_core.lifecycle.claim import Claim, check_root, stored_values, value_changes
from k3k_core.lifecycle.comparison import ObjectDiff, compare_objects, subject
from k3k_core.lifecycle.create import CreateRequest
from k3k_core.lifecycle.credentials import decode, find_credentials
from k3k_core.lifecycle.kubeconfig import server_of
from k3k_core.lifecycle.render import render
from k3k_core.manifests import Address, Blueprint
from k3k_core.names import ControlPlaneId
from k3k_core.resources import NAMESPACE, SECRET, resource_of
from k3k_core.values import LoadedValues
