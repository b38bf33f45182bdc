"""A Space pushed to the Hub: a page that the Hub itself serves, from a repository of its own."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.hub.client import HubFailedError, api, is_offline, translated
from zoo.hub.push import NO_TOKEN
from zoo.hub.source import parse
from zoo.utils.errors import RequestError


def push_space(repo: str, files: Mapping[str, str], *, private: bool = False, message: str | None = None) -> str:
    """Push text files by name to the Space ``ORG/REPO``, in one commit; its address.

    It is made, as one of Gradio, if it is not there; other files in it stay.

    Raises:
        RequestError: there is no right to push.
        ZooError: the Hub or the network failed, or somebody else pushed meanwhile.
    """
    repo_id = parse(repo).repo_id
    if is_offline():
        raise HubFailedError(f"Space {repo_id} cannot be pushed to: HF_HUB_OFFLINE is set; unset it to push")
    from huggingface_hub import CommitOperationAdd, get_token

    if not get_token():
        raise RequestError(NO_TOKEN)
    client = api()
    with translated(repo_id, doing=f"pushing to Space {repo_id}"):
        url = client.create_repo(repo_id, repo_type="space", space_sdk="gradio", private=private, exist_ok=True)
        info = client.space_info(repo_id)
        added = [CommitOperationAdd(name, text.encode()) for name, text in files.items()]
        client.create_commit(
            repo_id, added, repo_type="space", commit_message=message or "A page by cond-zoo", parent_commit=info.sha
        )
    return str(url)
