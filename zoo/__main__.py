"""``python -m zoo`` is the installed ``zoo``."""

from zoo.cli import main

main()
