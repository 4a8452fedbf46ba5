"""What the terminal and the line to it can carry, decided before the first byte is drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from k3k_core.errors import UsageError

# Repaints a second: over a slow line a frame that is late delays the answer to the next key.
_REMOTE_FRAMES = "15"
_REMOTE_TICK = 1.0
_TRUE_COLOR = frozenset({"truecolor", "24bit"})
# Terminals that tell of no more than sixteen colours.
_FEW_COLORS = re.compile(
    r"(linux|vt\d).*|(ansi|cons\d*|cygwin|screen|tmux|xterm|rxvt)(-bw|-mono|-(16)?color)?"
)


@dataclass(frozen=True, slots=True)
class Profile:
    """How to draw.

    Attributes:
        remote: the line is slow or long: few bytes, no animation.
        tick: seconds between two repaints of what changes by itself.
        ansi: use the terminal's own sixteen colours only.
        no_color: use no colour at all.
        ascii: use no sign outside ASCII.
        mouse: take the mouse.
        light: the terminal says that its background is light.
    """

    remote: bool = False
    tick: float = 0.5
    ansi: bool = False
    no_color: bool = False
    ascii: bool = False
    mouse: bool = True
    light: bool = False


def detect(
    environ: Mapping[str, str],
    *,
    remote: bool | None = None,
    no_color: bool = False,
    mouse: bool = True,
) -> Profile:
    """Find out how to draw.

    Args:
        environ: SSH_CONNECTION, SSH_TTY and SSH_CLIENT tell of a line; TERM, COLORTERM,
            COLORFGBG, NO_COLOR and the locale of the terminal; K3K_ASCII asks for ASCII (1) or Unicode (0).
        remote: whether the line is slow; None finds out.
        no_color: colours were refused on the command line or in the configuration.
        mouse: whether the user wants the mouse taken.
    """
    far = _is_remote(environ) if remote is None else remote
    return Profile(
        remote=far,
        tick=_REMOTE_TICK if far else Profile().tick,
        ansi=far or _has_few_colors(environ),
        no_color=no_color or bool(environ.get("NO_COLOR")),
        ascii=_is_ascii(environ),
        mouse=mouse,
        light=_is_light(environ),
    )


def check(environ: Mapping[str, str]) -> None:
    """Refuse a terminal whose cursor cannot be moved.

    Args:
        environ: TERM.

    Raises:
        UsageError: it is one.
    """
    if in_browser(environ) or environ.get("TERM", "") not in {"", "dumb", "unknown"}:
        return
    name = environ.get("TERM") or "not set"
    raise UsageError(
        f"The dashboard cannot be drawn on this terminal (TERM is {name}).",
        hint="`k3k list --watch --plain` shows the same in plain lines.",
    )


def in_browser(environ: Mapping[str, str]) -> bool:
    """Return whether the dashboard is drawn in a browser, for which no terminal is needed.

    Args:
        environ: TEXTUAL_DRIVER, which textual-serve sets.
    """
    return "web_driver" in environ.get("TEXTUAL_DRIVER", "")


def prepare(profile: Profile, environ: MutableMapping[str, str]) -> None:
    """Set what Textual reads once, when it is imported or an app is made; what is set already stays.

    Args:
        profile: how to draw.
        environ: of this process, `os.environ`.
    """
    wanted = {"TEXTUAL_ANIMATIONS": "none"}
    if profile.remote:
        wanted |= {"TEXTUAL_FPS": _REMOTE_FRAMES, "TEXTUAL_SMOOTH_SCROLL": "0"}
    if profile.ansi or profile.no_color:
        # The first frame, before the theme is there, and how NO_COLOR is followed depend on it.
        wanted["TEXTUAL_THEME"] = "ansi-light" if profile.light else "ansi-dark"
    for name, value in wanted.items():
        environ.setdefault(name, value)
    if profile.no_color:
        environ["NO_COLOR"] = "1"
    else:
        # Textual takes an empty one for a wish; by https://no-color.org it is none.
        environ.pop("NO_COLOR", None)


def _is_remote(environ: Mapping[str, str]) -> bool:
    if in_browser(environ):
        return False
    return bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY") or environ.get("SSH_CLIENT"))


def _has_few_colors(environ: Mapping[str, str]) -> bool:
    if in_browser(environ) or environ.get("COLORTERM", "").strip().lower() in _TRUE_COLOR:
        return False
    return _FEW_COLORS.fullmatch(environ.get("TERM", "")) is not None


def _is_ascii(environ: Mapping[str, str]) -> bool:
    """Return whether only ASCII can be shown, by locale(7): LC_ALL, then LC_CTYPE, then LANG.

    Python turns LANG=C into LC_CTYPE=C.UTF-8 for itself (PEP 538), which says nothing of the terminal. No locale
    at all is what containers and minimal hosts have behind a terminal of today: Unicode.
    """
    wish = environ.get("K3K_ASCII", "")
    if wish:
        return wish != "0"
    if in_browser(environ):
        return False
    if environ.get("TERM", "").partition("-")[0] == "linux":
        # The kernel's console has a font of 256 or 512 signs; neither braille nor eighths of blocks are among them.
        return True
    ctype = environ.get("LC_CTYPE", "")
    if ctype == "C.UTF-8" and environ.get("LANG") in {"C", "POSIX"}:
        ctype = ""
    locale = environ.get("LC_ALL") or ctype or environ.get("LANG", "")
    return bool(locale) and "utf8" not in locale.lower().replace("-", "")


def _is_light(environ: Mapping[str, str]) -> bool:
    """Return whether COLORFGBG (rxvt, konsole and others: "foreground;background") tells of a light background."""
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return background in {"7", "15"}
