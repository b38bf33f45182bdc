"""The command that samples: pictures for photos, or for what else a task starts from."""

import re
from typing import Annotated, Any

import typer.core
from typer import Argument, Option

from zoo.cli.app import Device, app
from zoo.cli.doing import settings_of
from zoo.utils.bounds import whole
from zoo.utils.errors import RequestError
from zoo.utils.files import user_path
from zoo.utils.words import say

QUALITY = 90
"""Of the JPEGs, where ``--jpeg`` names none."""
SAMPLES = 20
"""Of each photo, where ``-n`` names none."""


class _Sample(typer.core.TyperCommand):
    """Takes a number after ``--jpeg`` for its quality, and anything else for what follows it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        for i in range(end - 1, -1, -1):
            if args[i] == "--jpeg" and not re.fullmatch(r"[-+]?[\d.]+", "".join(args[i + 1 : i + 2])):
                args[i] = f"--jpeg={QUALITY}"
        return super().parse_args(ctx, args)


@app.command(cls=_Sample)
def sample(
    checkpoint: Annotated[str, Argument(help="A checkpoint of zoo list checkpoints, hf:ORG/REPO@REV, dir:PATH, or a task.")],
    items: Annotated[
        list[str] | None,
        Argument(help="Photos, folders of them, patterns; or what else the task starts from.", metavar="[IMAGE]..."),
    ] = None,
    attributes: Annotated[
        str | None,
        Option(help="What the picture is to have; a name with ! before it, what not.", metavar="NAME,NAME..."),
    ] = None,
    n: Annotated[int | None, Option("-n", "--samples", help=f"Samples of each photo; by default {SAMPLES}.")] = None,
    out: Annotated[str | None, Option(help="A new folder; by default runs/<time>-sample-<checkpoint>.", metavar="DIR")] = None,
    seed: Annotated[int | None, Option(help="The same seed gives the same samples; by default a new one.")] = None,
    jpeg: Annotated[
        int | None,
        Option(help=f"Save JPEGs, of this quality (1 to 100; {QUALITY} if none is named), not PNGs.", metavar="[QUALITY]"),
    ] = None,
    gif: Annotated[bool, Option("--gif", help="Save samples.gif too, which goes through them.")] = False,
    strength: Annotated[
        float | None, Option(help="From 0, the photo itself, over 1, the sample, to 1.5, beyond it.", metavar="NUMBER")
    ] = None,
    distinct: Annotated[int | None, Option(help="Keep only the K most different of the n samples.", metavar="K")] = None,
    size: Annotated[
        int | None, Option(help="Make photos smaller first: so many pixels for the longest side.", metavar="PIXELS")
    ] = None,
    near: Annotated[
        str | None,
        Option(
            help="More like this one: a picture that was saved before, or its number among those of --seed.",
            metavar="FILE|NUMBER",
        ),
    ] = None,
    spread: Annotated[
        float | None,
        Option(help="How far from it: 0 is that one itself, 1 has nothing of it; by default 0.3.", metavar="NUMBER"),
    ] = None,
    settings: Annotated[
        list[str] | None,
        Option(
            "--set",
            help="A setting of its model that only sampling reads (zoo show CHECKPOINT tells them); may be repeated.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    device: Device = "auto",
) -> None:
    """Give n different photos for each photo, or n pictures with the attributes that are named."""
    n = None if n is None else whole(n, "n", 1)
    jpeg = None if jpeg is None else whole(jpeg, "the quality of --jpeg", 1, 100)
    from zoo.catalog import chosen
    from zoo.catalog.given import look, own_names
    from zoo.catalog.loading import load
    from zoo.catalog.recommended import meant
    from zoo.running.folder import check_folder, new_folder
    from zoo.utils.near import AMOUNT
    from zoo.utils.noise import new_seed, noise_seed

    if out is not None:
        check_folder(user_path(out))
    seed = None if seed is None else noise_seed(seed)
    if near is None and spread is not None:
        raise RequestError("--spread says how far from the one that --near names: name that too")
    if near is not None and near.isdecimal() and seed is None:
        raise RequestError("a number of --near counts among the samples of a seed: give that too (--seed), or name a file")
    drawn, place = chosen.chosen(near) if near is not None and not near.isdecimal() else (None, 0)
    asked = settings_of(settings)
    loaded = load(checkpoint, device, {} if drawn else asked)
    if checkpoint != (checkpoint := meant(checkpoint)):
        say(f"checkpoint {checkpoint}", err=True)
    steps = None
    if near is not None:
        if drawn is not None:
            chosen.agree(drawn, loaded, near, asked, n=n, seed=seed, size=size)
            n, seed, size = drawn.n, drawn.seed, drawn.size
            strength, items = drawn.strength if strength is None else strength, items or [drawn.item]
        else:
            place = whole(int(near), "--near", 1, n or SAMPLES) - 1
        steps = [*(drawn.near if drawn else ()), (place, AMOUNT if spread is None else spread)]
    n = n or SAMPLES
    wanted, words = loaded.task.item, list(filter(None, items or ()))
    if attributes is not None:
        if wanted != "attributes":
            raise RequestError(f"checkpoint {checkpoint} starts from a {wanted}, not from attributes: leave out --attributes")
        words.append(attributes)
    if not words:
        option = " (--attributes NAME,NAME)" if wanted == "attributes" else ""
        raise RequestError(f"there is nothing to sample for; name at least one {wanted}{option}")
    # Nothing is written before every item has been read.
    wishes = loaded.wishes(n, strength, distinct, size, steps)
    given = look(
        words,
        lambda word: loaded.read(word, wishes.size),
        lambda item: loaded.check_room([item], n, wishes.distinct),
        folders=wanted == "photo",
    )
    for line in given.left_out:
        say(line, err=True)
    called = checkpoint.removeprefix("dir:").rstrip("/").replace("\\", "/").split("/")[-2:]
    with new_folder(out, "sample", *called) as folder:
        for (word, item), name in zip(given, own_names(given.words), strict=True):
            now = new_seed() if seed is None else seed
            [samples] = loaded.make([item], [word], n, now, wishes)
            samples.save(folder / name, jpeg=jpeg, gif=gif)
            chosen.keep(folder / name, loaded, word, now, n, wishes, samples.places)
            say(f"{word}: {f'{distinct} of ' if distinct else ''}{n} samples in {folder / name}")
            if samples.remark:
                say(f"{word}: {samples.remark}", err=True)
    if len(given.words) > 1:
        say(f"all in {folder}", err=True)
