"""Plugins written before the rooms and before recipes: what their authors are told to change."""

from __future__ import annotations

from types import FunctionType

MOVED = {
    "zoo.config": "from zoo import above, at_least, make_config, share",
    "zoo.data.base": "from zoo import Annotation, Attributes, Data, Image, Records, Split",
    "zoo.dcgan": "from zoo_networks.dcgan import Conv, Decoder, Linear, Tower",
    "zoo.device": "from zoo import pick",
    "zoo.errors": "from zoo import RequestError, ZooError, nearest",
    "zoo.files": "from zoo import whole_file",
    "zoo.loaded": "from zoo import Loaded, load",
    "zoo.lpp": "from zoo_networks.lpp import Embedding, lpp",
    "zoo.metric": "from zoo import Fitted, Metric, NotApplicable, Score",
    "zoo.model": "from zoo import Model, Preset, size_of",
    "zoo.noise": "from zoo import Noise, new_seed",
    "zoo.pairs": "from zoo import Batch, Pairs, Penalty",
    "zoo.progress": "from zoo import progress",
    "zoo.regression": "from zoo_networks.regression import Regression",
    "zoo.samples": "from zoo import Samples",
    "zoo.task": "from zoo import Task",
    "zoo.training": "from zoo import History, Step, Training",
    "zoo.unet": "from zoo_networks.unet import Decoder, Encoder",
}
"""Where the names are now that were in modules that are gone."""

OLD = {
    "recipe": "in place of recipe(items) derive its Config from zoo.Recipe",
    "rate": "rename rate(share) to lr_factor(progress)",
    "turns": "turns(self, batch, step) is a generator that yields (optimizer name, losses)",
}
"""Methods of models before recipes, each with one argument, and what to write in their place."""


def reason(error: BaseException) -> str:
    """An error in a third party's code, in a line; of an import that is gone, what to write in its place."""
    text = f"{type(error).__name__}: {error}"
    module = error.name or "" if isinstance(error, ImportError) else ""
    if module in MOVED:
        return f"{text}; write `{MOVED[module]}`"
    if module.startswith("zoo."):
        return f"{text}; plugins import public names only: `from zoo import ...`"
    return text


def refuse_old(cls: type) -> None:
    """Look at a new class of models.

    Raises:
        TypeError: it has such a method; says in a line what to write.
    """
    methods = {name: method for name, method in vars(cls).items() if isinstance(method, FunctionType)}
    advice = [words for name, words in OLD.items() if name in methods and methods[name].__code__.co_argcount == 2]
    if advice:
        raise TypeError(f"{cls.__name__} is written for an older zoo: {'; '.join(advice)}")
