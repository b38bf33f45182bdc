"""The files of a Space, which shows the page of a checkpoint on the Hugging Face Hub."""

from __future__ import annotations

import re
from importlib import metadata

from zoo.hub.source import HubSource
from zoo.saving.facts import Facts
from zoo.utils.templates import fill
from zoo.utils.version import own_version

GRADIO = "6.31.0"
"""The version that a Space gets where none is installed here."""


def space_files(source: HubSource, facts: Facts, licence: str = "") -> dict[str, str]:
    """The files by name: ``app.py``, which also shows the page on one's own machine, ``requirements.txt`` and ``README.md``.

    Args:
        source: the checkpoint on the Hub, at a commit.
        facts: what it says of itself.
        licence: an SPDX name, for the card of the Space.

    Examples:
        >>> from zoo.saving.facts import read_facts
        >>> facts = read_facts(zoo.load("cvae/relight", device="cpu").folder / "config.json")
        >>> files = space_files(HubSource("org/model", "0" * 40), facts)
        >>> sorted(files), files["requirements.txt"].splitlines()[0].partition("]")[0]
        (['README.md', 'app.py', 'requirements.txt'], 'cond-zoo[app')
        >>> print(files["app.py"].splitlines()[-1])
        serve('hf:org/model@0000000000000000000000000000000000000000')
    """
    from huggingface_hub import SpaceCardData

    name = source.repo_id.partition("/")[2]
    front = SpaceCardData(
        title=name,
        sdk="gradio",
        sdk_version=_installed("gradio") or GRADIO,
        app_file="app.py",
        license=licence or None,
        models=[source.repo_id],
        tags=["cond-zoo"],
        python_version="3.11",
    ).to_yaml()
    body = fill("zoo.app", ".", "space.md.jinja", {}, name=name, repo=source.repo_id, facts=facts)
    packages = {"cond-zoo": own_version(), facts.plugin["distribution"]: facts.plugin["version"]}
    lines = [_wanted("cond-zoo[app]" if package == "cond-zoo" else package, v) for package, v in packages.items()]
    return {
        "README.md": f"---\n{front}\n---\n\n{body}",
        "app.py": f'"""The page of {source}: as a Space, and by python app.py on one\'s own machine."""\n\n'
        f"from zoo.app.serve import serve\n\nserve({str(source)!r})\n",
        "requirements.txt": "".join(f"{line}\n" for line in lines),
    }


def _wanted(package: str, version: str) -> str:
    """A line of requirements: this version, where it is one that was published."""
    return f"{package}=={version}" if re.fullmatch(r"\d+(\.\d+)*((a|b|rc)\d+)?", version) else package


def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
