"""The parts of the page, and where they stand."""

from __future__ import annotations

import gradio as gr

from zoo.app.drawn import FORMS
from zoo.app.offers import Offer
from zoo.utils.near import AMOUNT

MOST, MOST_DIFFERENT, KEPT = 60, 8, 3600
"""Pictures at once; times as many that are drawn to choose from; seconds that a visitor is remembered without a click."""
WHICH = [("The large one", "one"), ("Those I keep", "kept"), ("All", "all")]
HEAD = "<h1>zoo</h1><p>One photo has many right answers. Drop one in, and see twenty.</p>"
EMPTY = "Choose a photo, say what is to change, and make pictures of it."


class Layout:
    """The components, in a ``gr.Blocks`` of their own.

    Args:
        offered: the checkpoints to choose from, in their order.
        foot: a line that closes the page.
    """

    def __init__(self, offered: list[Offer], foot: str) -> None:
        self.offered = {offer.name: offer for offer in offered}
        self.blocks = gr.Blocks(title="zoo", analytics_enabled=False, fill_width=True, delete_cache=(KEPT, KEPT))
        with self.blocks:
            self.visit = gr.State(None, time_to_live=KEPT, delete_callback=lambda visit: visit and visit.end())
            self.dropped = gr.State(None)
            gr.HTML(HEAD, elem_id="head")
            with gr.Row(equal_height=False):
                with gr.Column(scale=2, min_width=300, elem_id="controls"):
                    self._controls(offered[0])
                with gr.Column(scale=5, min_width=320, elem_id="shown"):
                    self._results()
            gr.HTML(foot, elem_id="foot")

    def named(self, task: str) -> list[tuple[str, str]]:
        """The checkpoints of a task, as a list to choose from takes them."""
        return [(offer.label, offer.name) for offer in self.offered.values() if offer.task == task]

    def _controls(self, start: Offer) -> None:
        tasks = {offer.task: offer.does for offer in self.offered.values()}
        with gr.Column(elem_id="photos") as self.photo_part:
            self.drop = gr.File(label="Photos", file_count="multiple", height=130, elem_id="drop", show_label=False)
            self.strip = gr.Gallery(
                columns=3, height=None, object_fit="cover", allow_preview=False, show_label=False, interactive=False,
                elem_id="strip", buttons=[],
            )  # fmt: skip
        self.task = gr.Radio(
            [(does, name) for name, does in tasks.items()], value=start.task, label="What to do",
            visible=len(tasks) > 1, elem_id="task",
        )  # fmt: skip
        self.checkpoint = gr.Dropdown(self.named(start.task), value=start.name, label="Drawn by", elem_id="checkpoint")
        with gr.Column(visible=False, elem_id="holes") as self.brush_part:
            gr.HTML("Brush over what is to be filled in.")
            self.brush = gr.ImageEditor(
                show_label=False, type="numpy", sources=(), transforms=(), layers=False, elem_id="brush", height=300,
                brush=gr.Brush(colors=["#ff5722"], color_mode="fixed", default_size=40),
            )  # fmt: skip
        self.ticks = gr.CheckboxGroup(label="What it is to have", visible=False, elem_id="ticks")
        self.one = gr.Radio(label="What it is to be", visible=False, elem_id="one")
        self.count = gr.Slider(1, MOST, 20, step=1, label="How many", elem_id="count", buttons=[])
        self.make = gr.Button("Make pictures", variant="primary", size="lg", elem_id="make")
        self.strength = gr.Slider(
            0, 1.5, 1, step=0.05, label="How strong", info="From the photo itself, 0, to beyond what was drawn, 1",
            elem_id="strength", buttons=[],
        )  # fmt: skip
        self.different = gr.Slider(
            1, MOST_DIFFERENT, 1, step=1, label="How different", buttons=[], elem_id="different",
            info="So many times as many are drawn, of which you see the most different",
        )  # fmt: skip
        self.seed = gr.Textbox(
            label="Seed", info="The same number makes the same pictures again", placeholder="a new one each time",
            max_lines=1, elem_id="seed",
        )  # fmt: skip

    def _results(self) -> None:
        self.empty = gr.HTML(EMPTY, elem_id="empty")
        with gr.Row(visible=False, elem_id="top") as self.top:
            self.headline = gr.HTML(elem_id="headline")
            self.back = gr.Button("Back", size="sm", elem_id="back", visible=False)
        with gr.Column(visible=False, elem_id="large") as self.large:
            self.pair = gr.HTML(elem_id="pair")
            self.slider = gr.ImageSlider(show_label=False, buttons=["fullscreen"], max_height=640, elem_id="slider")
            self.alone = gr.Image(show_label=False, visible=False, buttons=["fullscreen"], elem_id="alone")
            with gr.Row(equal_height=True, elem_id="like"):
                self.amount = gr.Slider(0.05, 1, AMOUNT, step=0.05, label="How far from it", elem_id="amount", buttons=[])
                self.more = gr.Button("More like this one", variant="primary", elem_id="more")
                self.keep = gr.Button("Keep it", elem_id="keep")
        self.results = gr.Gallery(
            columns=5, height=None, object_fit="contain", allow_preview=False, show_label=False, visible=False,
            interactive=False, elem_id="results", buttons=[],
        )  # fmt: skip
        with gr.Row(visible=False, elem_id="save", equal_height=True) as self.saving:
            self.which = gr.Radio(WHICH, value="all", label="Download", elem_id="which")
            self.form = gr.Radio(list(FORMS), value="JPEG", label="As", elem_id="form")
            self.save = gr.Button("Download", elem_id="download")
            self.file = gr.DownloadButton(elem_id="file")
        self.again = gr.Code(
            language="python",
            label="The same from Python",
            visible=False,
            elem_id="again",
            interactive=False,
            lines=1,
            wrap_lines=True,
        )
