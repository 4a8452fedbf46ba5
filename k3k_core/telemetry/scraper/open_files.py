"""One connection is one open file, and many systems allow a process no more than 1,024 unless it asks."""

from __future__ import annotations


def raise_open_files_limit() -> None:
    """Let this process open as many files as it may."""
    try:
        import resource
    except ImportError:  # not on Windows, which has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Some systems refuse "unlimited" here.
    wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
