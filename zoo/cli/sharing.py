"""The commands for checkpoints of others and for others: pull, push, verify."""

from typing import Annotated

from typer import Argument, Option

from zoo.cli.app import AsJson, Device, app, print_json, stdout_is_kept, table
from zoo.utils.errors import RequestError, ZooError
from zoo.utils.words import say


@app.command()
def pull(
    repo: Annotated[str, Argument(help="Of the Hub, or a checkpoint's name, or a task.", metavar="ORG/REPO[@REV]|NAME")],
    out: Annotated[
        str | None, Option(help="A new folder for a copy; by default it stays in the cache alone.", metavar="DIR")
    ] = None,
    json: AsJson = False,
) -> None:
    """Fetch a checkpoint from the Hub into the cache, and check every byte of it."""
    import shutil

    from zoo.catalog import checkpoints
    from zoo.catalog.recommended import meant
    from zoo.hub.cache import FILES, WEIGHTS
    from zoo.hub.pull import pull as fetch
    from zoo.hub.source import parse
    from zoo.running.folder import check_folder
    from zoo.utils.files import sha256_of, user_path, whole_folder

    copy, repo = None if out is None else check_folder(user_path(out)), meant(repo)
    source, commit, cached = None, None, True
    named = checkpoints.find(repo) if repo in checkpoints.known().named else None
    if named and not named.source.startswith("hf:"):
        folder = checkpoints.folder_of(named)
    else:
        source = parse(named.source if named else repo)
        pulled = fetch(source, named.sha256 if named else None)
        commit, cached, folder = pulled.revision, pulled.from_cache, pulled.folder
    load = repo if source is None or commit is None else f"hf:{source.repo_id}@{commit}"
    if copy is not None:
        with whole_folder(copy) as part:
            for name in FILES:
                if (folder / name).is_file():
                    shutil.copyfile(folder / name, part / name)
        folder, load = copy, f"dir:{copy}"
    sha256 = sha256_of(folder / WEIGHTS)
    if json:
        facts = {"repo": source and source.repo_id, "commit": commit, "sha256": sha256, "folder": str(folder)}
        print_json({**facts, "cached": cached, "load": load})
        return
    say(f"{repo} needs no pull" if source is None else f"{source.repo_id}{', which was cached' if cached else ''}")
    if commit:
        say(f"commit  {commit}")
    say(f"sha256  {sha256}")
    say(f"folder  {folder}")
    say(f"use     zoo.load({load!r})")


@app.command()
def push(
    folder: Annotated[
        str, Argument(help="A checkpoint's folder, or that of a finished run; or a checkpoint's name.", metavar="DIR|NAME")
    ],
    repo: Annotated[str, Argument(help="Where to; it is made if it is not there.", metavar="ORG/REPO")],
    private: Annotated[bool, Option("--private", help="Make a new repository private.")] = False,
    licence: Annotated[str | None, Option(help="An SPDX name, for the card.", metavar="NAME")] = None,
    message: Annotated[str | None, Option("-m", "--message", help="What changed, in one line.")] = None,
    space: Annotated[bool, Option("--space", help="Push a Space of the same name too, a page to play with it.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Show what would be pushed, and ask nothing of the Hub.")] = False,
    json: AsJson = False,
) -> None:
    """Push a checkpoint to the Hub, in one commit: weights, config, card, pictures."""
    from zoo.app.space import space_files
    from zoo.catalog.found import named_folder
    from zoo.hub.push import preview, push
    from zoo.hub.source import parse
    from zoo.hub.space import push_space

    source_folder = named_folder(folder)
    if dry_run:
        would = preview(source_folder, repo, licence=licence)
        beside = space_files(parse(would.repo_id), would.facts, would.licence) if space else {}
        if json:
            given = {"repo": would.repo_id, "files": would.files, "licence": would.licence, "card": would.card}
            print_json({**given, **({"space": beside} if space else {})})
            return
        rows = [(f"  {name}", f"{size:>13,} bytes") for name, size in would.files.items()]
        say(f"nothing is pushed; {would.repo_id} would get:\n{table(*rows)}\n\nREADME.md:\n\n{would.card}", end="", lines=True)
        for name, text in beside.items():
            say(f"\n{name} of the Space:\n\n{text}", end="", lines=True)
        return
    pushed = push(source_folder, repo, private=private, licence=licence, message=message)
    source, block = pushed.source, pushed.registry_block()
    if not json:
        say(pushed.url)
        say(f"commit  {source.revision}")
        say(f"sha256  {pushed.sha256}")
        say(f"use     zoo.load({str(source)!r})")
    page = None
    if space:
        files = space_files(source, pushed.facts, pushed.licence)
        page = push_space(source.repo_id, files, private=private, message=message)
    if json:
        facts = {"repo": source.repo_id, "commit": source.revision, "url": pushed.url, "sha256": pushed.sha256}
        print_json({**facts, "load": str(source), "registry": block, **({"space": page} if page else {})})
        return
    if page:
        say(f"page    {page}")
    if block:
        say(f"\nTo give it a name, write into a registry.toml:\n\n{block}", end="", lines=True)
    else:
        say("\nIt names no task, so it can be loaded as a model and not be registered by name.", lines=True)


@app.command()
def verify(
    checkpoints: Annotated[
        list[str] | None, Argument(help="Names, hf:ORG/REPO@REV, dir:PATH, or tasks.", metavar="CHECKPOINT...")
    ] = None,
    all_: Annotated[bool, Option("--all", help="Every registered checkpoint that is here or cached.")] = False,
    device: Device = "cpu",
    json: AsJson = False,
) -> None:
    """Check that checkpoints have not changed: their hash, their golden samples, one small score."""
    if bool(checkpoints) == all_:
        raise RequestError("name checkpoints to verify, or give --all")
    from zoo.catalog import checkpoints as registered
    from zoo.catalog.verify import verify

    names, skipped = list(checkpoints or ()), {}
    for name, claims in registered.known().named.items() if all_ else ():
        if len(claims) == 1 and registered.place_of(claims[0]) is not None:
            names.append(name)
            continue
        skipped[name] = "two plugins bring it" if len(claims) > 1 else f"not here yet: zoo pull {name}"
        say(f"{name}: skipped, {skipped[name]}", err=True)
    verified = []
    for name in names:
        with stdout_is_kept(json):
            verified.append(seen := verify(name, device))
        if not json:
            say(f"{seen.name}: {'verified' if seen.ok else 'NOT verified'}")
            for step in seen.steps:
                say(f"  {step.name.ljust(14)}  {step.outcome.ljust(7)}  {step.detail}")
    if json:
        rows = [{"name": seen.name, "ok": seen.ok, "steps": [step._asdict() for step in seen.steps]} for seen in verified]
        print_json({"checkpoints": rows, "skipped": skipped})
    if bad := [seen.name for seen in verified if not seen.ok]:
        raise ZooError(f"{len(bad)} of {len(verified)} checkpoints could not be verified: {', '.join(bad)}")
    if not json:
        say(f"all {len(verified)} verified")
