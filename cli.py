"""``python cli.py ...`` from a checkout is the installed ``zoo ...``."""

from zoo.cli import main

main()
