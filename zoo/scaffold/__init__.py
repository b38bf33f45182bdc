"""A plugin package to start from, written from templates."""

from zoo.scaffold.names import Names, names_of
from zoo.scaffold.write import write_plugin

__all__ = ["Names", "names_of", "write_plugin"]
