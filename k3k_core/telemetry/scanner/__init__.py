"""Bytes of a `/metrics` answer in, the wanted families out: one pass, bounded memory."""

from k3k_core.telemetry.scanner.limits import ScanLimits
from k3k_core.telemetry.scanner.scanner import Scanner, scan
from k3k_core.telemetry.scanner.table import LayoutTable

__all__ = ["LayoutTable", "ScanLimits", "Scanner", "scan"]
