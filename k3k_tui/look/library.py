"""Where themes are: those that come with k3k, and the user's own, which may change at any time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from k3k_core.cli.terminal import escape
from k3k_tui.look.theme_file import ThemeError, ThemeFile, read_theme

DARK, LIGHT = "harbour", "daylight"
TERMINAL_DARK, TERMINAL_LIGHT, COLOURLESS = "terminal-dark", "terminal-light", "mono"
_SUFFIX = ".yaml"
_DEEPEST = 8


def shipped() -> Path:
    """Return the folder of the themes that come with k3k: inside the package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "themes"
    return inside if inside.is_dir() else package.parent / "themes"


@dataclass(frozen=True, slots=True)
class Changed:
    """What has changed in the folder of the user's themes.

    Attributes:
        themes: names of those that are new or other than before.
        problems: what is wrong, by name; a theme with a problem stays as it was.
    """

    themes: tuple[str, ...] = ()
    problems: Mapping[str, ThemeError] = field(default_factory=dict)


class Library:
    """All themes by name; each file is read when its theme is needed.

    Args:
        own: folder of the user's themes; it need not exist. A theme in it takes the place of one of the same name.
        folder: folder of the themes that come with k3k.
    """

    def __init__(self, own: Path | None = None, folder: Path | None = None) -> None:
        self._folders = tuple(path for path in (own, folder or shipped()) if path is not None)
        self._own = own
        self._read: dict[str, ThemeFile] = {}
        self._seen: dict[str, tuple[int, int]] = self._stamps()

    @property
    def own(self) -> Path | None:
        """Folder of the user's themes."""
        return self._own

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all themes, usable or not, in order."""
        return tuple(sorted({path.stem for folder in self._folders for path in _files(folder)}))

    def theme(self, name: str) -> ThemeFile:
        """Return a theme.

        Args:
            name: of the theme.

        Raises:
            ThemeError: there is none of this name, or its file is not usable.
        """
        return self._theme(name, ())

    def poll(self) -> Changed:
        """Look for changes of the user's themes since the last time."""
        now = self._stamps()
        touched = [name for name in now if now[name] != self._seen.get(name)]
        touched += [name for name in self._seen if name not in now]
        self._seen = now
        if not touched:
            return Changed()
        before = self._read
        # What extends a changed theme changes with it.
        self._read = {}
        changed, problems = [], {}
        for name in dict.fromkeys((*touched, *before)):
            try:
                theme = self.theme(name)
            except ThemeError as error:
                if name in before:
                    self._read[name] = before[name]
                if name in now:
                    problems[name] = error
                continue
            if theme != before.get(name):
                changed.append(name)
        return Changed(tuple(changed), problems)

    def _stamps(self) -> dict[str, tuple[int, int]]:
        stamps = {}
        for path in _files(self._own) if self._own is not None else ():
            try:
                status = path.stat()
            except OSError:
                continue
            stamps[path.stem] = (status.st_mtime_ns, status.st_size)
        return stamps

    def _theme(self, name: str, above: tuple[str, ...]) -> ThemeFile:
        known = self._read.get(name)
        if known is not None:
            return known
        path = self._path(name, above)
        shown = escape(str(path))
        try:
            text = path.read_text(encoding="utf-8")
            theme = read_theme(text, name, lambda other: self._theme(other, (*above, name)))
        except OSError as error:
            raise ThemeError(f"The theme {shown} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise ThemeError(f"The theme {shown} cannot be read: it is not UTF-8.") from None
        except ThemeError as error:
            if error.message.startswith("The theme "):
                raise
            raise ThemeError(f"The theme {shown}: {error.message}", hint=error.hint) from None
        if name not in above:
            self._read[name] = theme
        return theme

    def _path(self, name: str, above: tuple[str, ...]) -> Path:
        if len(above) > _DEEPEST:
            raise ThemeError(f"Themes extend one another in a circle: {', '.join(above[-2:])}.")
        # A theme that extends its own name means the one that comes with k3k.
        folders = self._folders[1:] if above and above[-1] == name else self._folders
        for folder in folders:
            for path in _files(folder):
                if path.stem == name:
                    return path
        raise ThemeError(f"There is no theme {escape(name)}.", hint=f"There are {', '.join(self.names)}.")


def _files(folder: Path) -> tuple[Path, ...]:
    try:
        return tuple(sorted(path for path in folder.iterdir() if path.suffix == _SUFFIX))
    except OSError:
        return ()
