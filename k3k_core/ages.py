"""Ages as `kubectl get` shows them."""

from __future__ import annotations


def format_age(seconds: float) -> str:
    """Return a duration with at most two units: `45s`, `12m`, `3h5m`, `8d`, `2y20d`.

    The steps are those of `duration.HumanDuration` in k8s.io/apimachinery.

    Args:
        seconds: the duration; anything below zero counts as zero.
    """
    total = max(0, int(seconds))
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if total < 120:
        return f"{total}s"
    if minutes < 10:
        return f"{minutes}m{total % 60}s" if total % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    return f"{days // 365}y{days % 365}d" if days % 365 and days < 2920 else f"{days // 365}y"
