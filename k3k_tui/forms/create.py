"""The create wizard: fill in, review, watch it being made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, ContentSwitcher, Static

from k3k_core.telemetry.scraper.target import TargetId
from k3k_tui.drafts import Draft
from k3k_tui.forms.creating import Answer, ask_host, start_create
from k3k_tui.forms.form_screen import EditText, FormScreen, relabel
from k3k_tui.forms.model.checking import Surroundings
from k3k_tui.forms.model.fields import advanced, essentials
from k3k_tui.forms.model.review import summary
from k3k_tui.forms.model.target import target_section
from k3k_tui.forms.widgets.progress_pane import ProgressPane
from k3k_tui.forms.widgets.review_pane import ReviewPane
from k3k_tui.forms.widgets.values_pane import ValuesPane
from k3k_tui.jobs.job import JobState
from k3k_tui.places import ControlPlanePlace, Place
from k3k_tui.services import services
from k3k_tui.widgets.dialogs.base import button
from k3k_tui.widgets.key_footer import KeyFooter
from k3k_tui.widgets.toast import tell

Step = Literal["values", "review", "progress"]
_STEPS: tuple[tuple[Step, str], ...] = (("values", "Values"), ("review", "Review"), ("progress", "Progress"))
# Actions of the registry that mean something at each step.
_ACTIONS: dict[Step, frozenset[str]] = {
    "values": frozenset({"next", "back", "yaml", "editor", "save", "reset"}),
    "review": frozenset({"next", "back", "save", "retry"}),
    "progress": frozenset({"next", "back", "retry"}),
}
_KNOWN = frozenset.union(*_ACTIONS.values())
_ENDED_BADLY: frozenset[JobState | None] = frozenset({"failed", "cancelled"})


class HasPlaces(Protocol):
    """An app that one can go about in."""

    def open_place(self, place: Place) -> None:
        """Go somewhere."""


class CreateScreen(FormScreen[None]):
    """The wizard.

    Args:
        draft: where it begins.
        surroundings: what there is already.
        empty: what it begins with when it is started anew.
        edit: opens an editor.
        suggestions: texts that complete what is typed, by key of the field.
    """

    DEFAULT_CSS = """
    CreateScreen > #steps {
        height: 1;
        padding: 0 1;
        background: $panel;
    }
    CreateScreen > ContentSwitcher {
        height: 1fr;
    }
    """

    def __init__(
        self,
        draft: Draft,
        surroundings: Surroundings,
        *,
        empty: Draft,
        edit: EditText,
        suggestions: Mapping[str, tuple[str, ...]],
    ) -> None:
        super().__init__(edit)
        self._draft = draft
        self._empty = empty
        self._surroundings = surroundings
        self._shown: tuple[object, ...] = ()
        self._suggestions = suggestions

    def compose(self) -> ComposeResult:
        """Lay out the steps, of which one is in sight."""
        yield Static(id="steps")
        with ContentSwitcher(initial="values"):
            yield ValuesPane(
                self._draft,
                plain=(target_section(tuple(self._surroundings.hosts)), essentials()),
                folded=advanced(),
                surroundings=self._surroundings,
                suggestions=self._suggestions,
            )
            yield ReviewPane()
            yield ProgressPane()
        with Horizontal(id="form-buttons"):
            yield button("Review", "next")
            yield button("YAML", "yaml")
            yield button("Save", "save")
            yield button("Try again", "retry")
            yield button("Close", "back")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Begin with the first field."""
        self.values.focus_first()
        self.changed()
        if services(self).drafts.create is not None:
            tell(self.app, "This is what you had filled in. Start anew to begin with an empty form.")

    @property
    def step(self) -> Step:
        """The step that is in sight."""
        current = self.query_one(ContentSwitcher).current
        return next((name for name, _title in _STEPS if name == current), "values")

    def keep(self, draft: Draft) -> None:
        """Keep the draft for when somebody comes back, unless there is nothing in it."""
        services(self).drafts.create = None if draft == self._empty else draft

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what means something at this step."""
        if action not in _KNOWN:
            return super().check_action(action, parameters)
        if action == "retry":
            return self._may_retry()
        if action == "next" and self.step == "progress":
            return self._job_state == "done"
        return action in _ACTIONS[self.step]

    def _may_retry(self) -> bool:
        if self.step == "review":
            return self.query_one(ReviewPane).state == "refused"
        return self.step == "progress" and self._job_state in _ENDED_BADLY

    @property
    def _job_state(self) -> JobState | None:
        job = self.query_one(ProgressPane).job
        return None if job is None else job.state

    async def action_next(self) -> None:
        """From the values to their review, from there to the job, and to what it made."""
        values, review = self.values, self.query_one(ReviewPane)
        if self.step == "values":
            await self._review()
        elif self.step == "review" and review.state == "asking":
            tell(self.app, "The host has not answered yet.")
        elif self.step == "review" and values.checked.loaded is not None:
            number = start_create(services(self), values.draft, values.checked.loaded)
            self.query_one(ProgressPane).follow(number)
            self._go("progress")
        elif self.step == "progress" and self._job_state == "done":
            draft = values.draft
            self.dismiss(None)
            place = ControlPlanePlace(TargetId(draft.host, draft.namespace, draft.name))
            cast("HasPlaces", self.app).open_place(place)

    async def _review(self) -> None:
        self.values.settle()
        if self.values.view == "yaml" and not self.values.turn():
            self.action_yaml()
            return
        draft, checked = self.values.draft, self.values.checked
        if not checked.good or checked.loaded is None:
            await self.values.focus_problem()
            return
        loaded = checked.loaded
        known = services(self)

        async def ask() -> Answer:
            return await ask_host(known, draft, loaded)

        self._go("review")
        self.query_one(ReviewPane).show(summary(draft, loaded), tuple(checked.warnings.values()), ask)

    def action_back(self) -> None:
        """A step back; from the first and the last one out."""
        if self.step == "review":
            self._go("values")
            return
        if self.step == "progress" and self._job_state in _ENDED_BADLY:
            self._go("values")
            return
        self.dismiss(None)

    def action_retry(self) -> None:
        """Ask the host again, or do it again."""
        if self.step == "review":
            self.query_one(ReviewPane).retry()
            return
        pane = self.query_one(ProgressPane)
        if pane.job is not None:
            pane.follow(services(self).jobs.retry(pane.job.id))

    def action_reset(self) -> None:
        """Forget what was filled in."""
        self.values.load(self._empty)
        self.values.focus_first()

    def on_review_pane_answered(self, event: ReviewPane.Answered) -> None:
        """Offer to go on."""
        event.stop()
        self.changed()

    def on_progress_pane_moved(self, event: ProgressPane.Moved) -> None:
        """Offer what can be done about it now."""
        event.stop()
        self.changed()

    def _go(self, step: Step) -> None:
        self.query_one(ContentSwitcher).current = step
        if step == "values":
            self.values.focus_first()
        else:
            self.query_one(f"#{step} TextView").focus()
        self.changed()

    def changed(self) -> None:
        """Draw the line of steps, and the buttons that mean something now."""
        offered = tuple(name for name in sorted(_KNOWN) if self.check_action(name, ()))
        state = self.query_one(ReviewPane).state
        shown = (self._line(), self.step, self.values.view, state, offered)
        if shown == self._shown:
            return
        self._shown = shown
        self.query_one("#steps", Static).update(self._line())
        labels = {
            "values": "Review",
            "review": "Create anyway" if state == "refused" else "Create",
            "progress": "Open it",
        }
        relabel(self.query_one("#next", Button), labels[self.step])
        relabel(self.query_one("#yaml", Button), "Fields" if self.values.view == "yaml" else "YAML")
        relabel(self.query_one("#back", Button), "Back" if self.step == "review" else "Close")
        for name in ("next", "yaml", "save", "retry"):
            self.query_one(f"#{name}", Button).display = name in offered
        self.refresh_bindings()

    def _line(self) -> Text:
        look = services(self).look
        line = Text("Create a control plane   ", look.palette.style("title"), no_wrap=True)
        for number, (name, title) in enumerate(_STEPS, start=1):
            role = look.palette.style("accent" if name == self.step else "muted")
            line.append(f"{number} {title}", role)
            line.append("  >  " if number < len(_STEPS) else "   ", look.palette.style("muted"))
        checked = self.values.checked
        wrong = checked.count - len(checked.missing)
        if wrong and self.step == "values":
            line.append(f"{look.glyphs.verdicts['Down']} {wrong} to correct", look.palette.style("bad"))
        return line
