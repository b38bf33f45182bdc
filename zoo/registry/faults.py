"""Errors in a third party's code, in one line that names the file and the line of it, and what to write in its place."""

from __future__ import annotations

import sys
from types import FunctionType

from zoo.utils.errors import cause, short, step

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
    "rate": "rename rate(share) to lr_factor(progress)",
    "turns": "turns(self, batch, step) is a generator that yields (optimizer name, losses)",
}
"""Methods of models before recipes, each with one argument, and what to write in their place."""


def reason(error: BaseException, module: str = "", made: object = None) -> str:
    """An error in code of the package of ``module``, or of any, in a line that ends with its place (:func:`place`); of an
    import that is gone, what to write instead.

    Examples:
        >>> try:
        ...     zoo.size_of(None)
        ... except TypeError as error:
        ...     print(reason(error))
        TypeError: 'NoneType' object is not iterable (...pairs.py:... in size_of)
    """
    text = f"{type(error).__name__}: {cause(error)}"
    gone = error.name or "" if isinstance(error, ImportError) else ""
    if gone in MOVED:
        text += f"; write `{MOVED[gone]}`"
    elif gone.startswith("zoo."):
        text += "; plugins import public names only: `from zoo import ...`"
    where = place(error, module, made) if module else step(error)
    return f"{text} ({where})" if where else text


def place(error: BaseException, module: str, made: object = None) -> str:
    """``FILE:LINE in NAME``, the innermost step of an error in the package of ``module``.

    Where no step is in that package, since it was called wrongly, it is where ``made``, which was called, is written, or
    else the file of the module.
    """
    if where := step(error, module.partition(".")[0]):
        return where
    for function in (getattr(made, "__init__", None), made):
        while hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        code = getattr(function, "__code__", None)
        if code is not None and _is_of(function, module):
            return f"{short(code.co_filename)}:{code.co_firstlineno} in {code.co_name}"
    return short(getattr(sys.modules.get(module), "__file__", None) or "")


def refuse_old(cls: type) -> None:
    """Raise a TypeError that says what to write, where a new class of models has such a method."""
    methods = {name: method for name, method in vars(cls).items() if isinstance(method, FunctionType)}
    advice = [words for name, words in OLD.items() if name in methods and methods[name].__code__.co_argcount == 2]
    if advice:
        raise TypeError(f"{cls.__name__} is written for an older zoo: {'; '.join(advice)}")


def _is_of(function: object, module: str) -> bool:
    return getattr(function, "__module__", "").partition(".")[0] == module.partition(".")[0]
