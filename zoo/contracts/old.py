"""Models written before recipes: what their authors are told to change."""

from __future__ import annotations

import inspect

OLD = {
    "recipe": "in place of recipe(items) derive its Config from zoo.Recipe",
    "rate": "rename rate(share) to lr_factor(progress)",
    "turns": "turns(self, batch, step) is a generator that yields (optimizer name, losses)",
}
"""Methods of models before recipes, each with one argument, and what to write in their place."""


def refuse_old(cls: type) -> None:
    """Look at a new class of models.

    Raises:
        TypeError: it has such a method; says in a line what to write.
    """
    methods = {name: method for name, method in vars(cls).items() if inspect.isfunction(method)}
    advice = [words for name, words in OLD.items() if name in methods and methods[name].__code__.co_argcount == 2]
    if advice:
        raise TypeError(f"{cls.__name__} is written for an older zoo: {'; '.join(advice)}")
