"""The page itself: what stands on it, and what happens when something is clicked."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

import gradio as gr

from zoo import registry
from zoo.app.drawn import Pool
from zoo.app.layout import MOST, MOST_DIFFERENT, Layout
from zoo.app.offers import Offer
from zoo.app.visit import Visit
from zoo.catalog.choosing import strength_of
from zoo.catalog.loaded import Loaded
from zoo.catalog.loading import load
from zoo.utils.bounds import whole
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.noise import noise_seed

WORK: dict[str, Any] = {"concurrency_id": "work", "concurrency_limit": 1}
"""Of events that take all cores: one at a time."""
LIGHT: dict[str, Any] = {"concurrency_limit": None}
"""Of events that take no time, and need not wait for others."""
GONE = "this page was left alone for too long, and its photos are removed: load it again"


def told(handler: Callable[..., Any]) -> Callable[..., Any]:
    """A handler whose errors come out as sentences on the page."""

    @wraps(handler)
    def call(*given: Any, **more: Any) -> Any:
        try:
            if given[0] is None:
                raise RequestError(GONE)
            return handler(*given, **more)
        except Exception as error:
            text = str(error) if isinstance(error, ZooError) else registry.told(error)
            raise gr.Error(html.escape(_sentence(text)), duration=None, print_exception=False) from error

    return call


class Page(Layout):
    """The page of some checkpoints.

    Args:
        offered: the checkpoints to choose from, in their order.
        examples: photos to begin with, each with a caption.
        folder: where files go for as long as the page is served.
        device: where models are.
        foot: a line that closes it.
    """

    def __init__(
        self, offered: list[Offer], examples: list[tuple[Path, str]], folder: Path, device: str = "auto", foot: str = ""
    ) -> None:
        super().__init__(offered, foot)
        self.examples, self.folder = examples, folder

        @lru_cache(maxsize=4)
        def loaded(name: str) -> Loaded:
            if name not in self.offered:
                raise RequestError("choose a checkpoint of the list")
            return load(name, device)

        self.loaded = loaded
        with self.blocks:
            self.connect()

    def connect(self) -> None:
        plain: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

        def on(
            event: Callable[..., Any], handler: Callable[..., Any], inputs: list[Any], outputs: list[Any], how: Any = WORK
        ) -> Any:
            return event(told(handler), [self.visit, *inputs], [self.visit, *outputs], **plain, **how)

        def work(button: gr.Button, busy: str, handler: Callable[..., Any], inputs: list[Any], outputs: list[Any]) -> Any:
            """A click that takes a while: the button says so, and cannot be clicked meanwhile."""
            word = button.value
            begun = button.click(lambda: gr.Button(busy, interactive=False), None, button, **plain)
            done = on(begun.then, handler, inputs, outputs)
            done.then(lambda: gr.Button(word, interactive=True), None, button, **plain)
            return done

        photos = [self.strip, self.brush]
        kinds = [self.photo_part, self.brush_part, self.brush, self.ticks, self.one, self.strength, self.checkpoint]
        shown = [
            self.empty, self.top, self.headline, self.large, self.pair, self.slider, self.alone, self.keep, self.back,
            self.results, self.saving, self.again,
        ]  # fmt: skip
        self.blocks.load(told(self.begin), self.checkpoint, [self.visit, *photos, *kinds], **plain, **WORK)
        taken = self.drop.upload(lambda paths: (paths, None), self.drop, [self.dropped, self.drop], **plain)
        on(taken.then, self.add, [self.dropped, self.checkpoint], photos)
        on(self.strip.select, self.pick, [self.checkpoint], photos, LIGHT)
        on(self.task.input, self.to_task, [self.task], kinds)
        on(self.checkpoint.input, self.to_checkpoint, [self.checkpoint], kinds)
        given = [self.brush, self.ticks, self.one, self.checkpoint, self.count, self.different, self.strength, self.seed]
        work(self.make, "Making pictures …", self.draw, given, shown).success(None, js=_seen("#top"), **plain)
        work(self.more, "Making more …", self.more_like_this, [self.amount], shown).success(None, js=_seen("#top"), **plain)
        on(self.results.select, self.enlarge, [], shown, LIGHT).success(None, js=_seen("#large"), **plain)
        on(self.keep.click, self.keep_it, [], shown, LIGHT)
        on(self.back.click, self.go_back, [], shown)
        on(self.strength.release, self.set_strength, [self.strength], shown)
        saved = work(self.save, "Making the file …", self.download, [self.which, self.form], [self.file])
        saved.success(None, js="() => document.querySelector('#file').click()", **plain)

    # What happens

    def begin(self, name: str) -> dict[Any, Any]:
        visit = Visit.begin(self.folder, self.examples)
        return {self.visit: visit, **self._strip(visit, name), **self._kinds(visit, name)}

    def add(self, visit: Visit, paths: list[str] | None, name: str) -> dict[Any, Any]:
        visit.add(paths or [])
        return {self.visit: visit, **self._strip(visit, name)}

    def pick(self, visit: Visit, name: str, event: gr.SelectData) -> dict[Any, Any]:
        visit.picked = event.index
        return {self.visit: visit, **self._strip(visit, name)}

    def to_task(self, visit: Visit, task: str) -> dict[Any, Any]:
        return self.to_checkpoint(visit, self.named(task)[0][1])

    def to_checkpoint(self, visit: Visit, name: str) -> dict[Any, Any]:
        return {self.visit: visit, **self._kinds(visit, name)}

    def draw(
        self,
        visit: Visit,
        brush: Any,
        ticks: list[str],
        one: str,
        name: str,
        count: int,
        different: int,
        strength: float,
        seed: str,
    ) -> dict[Any, Any]:
        loaded = self.loaded(name)
        choices, strength = loaded.task.choices(), strength_of(strength) if loaded.has_strength else 1.0
        if choices is not None:
            given = one if choices[1] else ",".join(ticks)
            title = given.replace(",", ", ") or "nothing of the list"
        elif visit.photo is None:
            raise RequestError("drop a photo in first")
        else:
            given, title = visit.photo.path, visit.photo.name
            if loaded.task.holes:
                given = visit.erased(brush["layers"] if brush else [])
        count, different = whole(int(count), "how many", 1, MOST), whole(int(different), "how different", 1, MOST_DIFFERENT)
        visit.draw(loaded, given, title, count, different, _seed(seed), strength)
        return self._shown(visit)

    def enlarge(self, visit: Visit, event: gr.SelectData) -> dict[Any, Any]:
        visit.enlarge(event.index)
        return self._shown(visit)

    def more_like_this(self, visit: Visit, amount: float) -> dict[Any, Any]:
        visit.more_like_this(amount)
        return self._shown(visit)

    def keep_it(self, visit: Visit) -> dict[Any, Any]:
        visit.keep()
        return self._shown(visit)

    def go_back(self, visit: Visit) -> dict[Any, Any]:
        visit.back()
        return self._shown(visit)

    def set_strength(self, visit: Visit, strength: float) -> dict[Any, Any]:
        visit.set_strength(strength_of(strength))
        return self._shown(visit) if visit.pools else {self.visit: visit}

    def download(self, visit: Visit, which: str, form: Any) -> dict[Any, Any]:
        return {self.visit: visit, self.file: str(visit.save(which, form))}

    # What is seen of it

    def _strip(self, visit: Visit, name: str) -> dict[Any, Any]:
        photos = [(photo.thumb, photo.caption) for photo in visit.photos]
        brush = {self.brush: visit.shown_photo()} if self.loaded(name).task.holes else {}
        return {self.strip: gr.Gallery(photos, selected_index=visit.picked), **brush}

    def _kinds(self, visit: Visit, name: str) -> dict[Any, Any]:
        loaded = self.loaded(name)
        names, exclusive = loaded.task.choices() or ((), False)
        holes = loaded.task.holes
        return {
            self.photo_part: gr.Column(visible=not names),
            self.brush_part: gr.Column(visible=holes),
            self.brush: visit.shown_photo() if holes else None,
            self.ticks: gr.CheckboxGroup(list(names), value=[], visible=bool(names) and not exclusive),
            self.one: gr.Radio(list(names), value=names[0] if names else None, visible=bool(names) and exclusive),
            self.strength: gr.Slider(visible=loaded.has_strength),
            self.checkpoint: gr.Dropdown(self.named(self.offered[name].task), value=name, info=self.offered[name].about),
        }

    def _shown(self, visit: Visit) -> dict[Any, Any]:
        pool, current = visit.pool, visit.current
        large = None if current is None else visit.pictures[current]
        captions = [f"{'★ ' if number in visit.kept else ''}{number + 1}" for number in range(len(visit.pictures))]
        pair = large is not None and visit.original is not None
        return {
            self.visit: visit,
            self.empty: gr.HTML(visible=False),
            self.top: gr.Row(visible=True),
            self.headline: _headline(pool),
            self.large: gr.Column(visible=large is not None),
            self.pair: ""
            if current is None
            else f"<div class='sides'><span>{'The photo' if pair else ''}</span><span>No. {current + 1}</span></div>",
            self.slider: gr.ImageSlider((visit.original, large) if pair else None, visible=pair),
            self.alone: gr.Image(large, visible=large is not None and not pair),
            self.keep: gr.Button("No longer keep it" if current in visit.kept else "Keep it"),
            self.back: gr.Button(visible=len(visit.pools) > 1),
            self.results: gr.Gallery(list(zip(visit.pictures, captions, strict=True)), visible=True, selected_index=current),
            self.saving: gr.Row(visible=True),
            self.again: gr.Code(pool.again(visit.strength), visible=not pool.subject.loaded.task.holes),
        }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _seen(what: str) -> str:
    """Scrolls to a part that came about out of sight."""
    return f"() => document.querySelector('{what}').scrollIntoView({{behavior: 'smooth', block: 'nearest'}})"


def _headline(pool: Pool) -> str:
    name, count = html.escape(pool.subject.name), len(pool.places)
    said = [f"{pool.subject.loaded.name}", f"seed {pool.seed}"]
    said += [f"more like no. {step.place + 1}, {step.amount:.0%} away" for step in pool.near]
    remark = f"<p>{html.escape(_sentence(pool.remark))}.</p>" if pool.remark else ""
    return (
        f"<h2>{count} {'picture' if count == 1 else 'pictures'} of {name}</h2><p>{html.escape(' · '.join(said))}</p>{remark}"
    )


def _seed(text: str) -> int | None:
    text = text.strip()
    try:
        return noise_seed(int(text)) if text else None
    except ValueError:
        raise RequestError(f"the seed is {text!r}; it must be a whole number, or nothing for a new one") from None
