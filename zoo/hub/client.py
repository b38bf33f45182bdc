"""The Hub's own client: made here, kept quiet, and its errors each in one line: the request was wrong, or the Hub failed."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zoo.utils.errors import RequestError, ZooError
from zoo.utils.words import say

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG, errno.EIO}
_BROKEN = {"RemoteProtocolError", "ReadError", "ChunkedEncodingError", "IncompleteRead", "ProtocolError"}
TOKEN = "(hf auth login or HF_TOKEN)"


class HubFailedError(ZooError):
    """The Hub, or the way to it, failed. Exit code 1."""


class HubRefusedError(RequestError):
    """The Hub has no such thing, or not for this user. Exit code 2."""


def api() -> HfApi:
    """The client, which asks ``HF_ENDPOINT`` (by default huggingface.co) with the user's token if there is one."""
    from huggingface_hub import HfApi

    from zoo.utils.version import own_version

    return HfApi(library_name="cond-zoo", library_version=own_version())


def is_offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def tell(line: str) -> None:
    """One line on stderr, where a person sees it at the command line and in Python alike, however often it is said."""
    say(f"zoo: {line}", err=True)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Within it the client shows its bars on a terminal alone, and logs nothing: what it would say is in the error."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    logger = logging.getLogger("huggingface_hub")
    level, as_is = logger.level, sys.stderr.isatty() or are_progress_bars_disabled()
    logger.setLevel(logging.CRITICAL)
    if not as_is:
        disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        if not as_is:
            enable_progress_bars()


@contextlib.contextmanager
def translated(repo_id: str, revision: str | None = None, *, doing: str) -> Iterator[None]:
    """Within it the client is quiet, and whatever it raises comes out as one of this project's errors.

    They begin with ``doing``, for example ``fetching config.json of ORG/REPO``.
    """
    try:
        with _quiet():
            yield
    except ZooError:
        raise
    except Exception as error:  # the client's versions raise the errors of two HTTP libraries, and several of their own
        raise _translate(error, repo_id, revision, doing) from error


def _translate(error: Exception, repo_id: str, revision: str | None, doing: str) -> ZooError:
    chain = list(_chain(error))
    names = {cls.__name__ for link in chain for cls in type(link).__mro__}
    disk = next((link for link in chain if isinstance(link, OSError) and link.errno in _DISK), None)
    response = next((link.response for link in chain if getattr(link, "response", None) is not None), None)  # type: ignore[attr-defined, unused-ignore]
    if disk is not None:
        return ZooError(f"{doing}: the disk refused: {disk.strerror}; nothing half-written is kept")
    if isinstance(error, ValueError) and "Invalid metadata" in str(error):
        return HubRefusedError(f"{doing}: the Hub does not take the card: {' '.join(str(error).split())[:300]}")
    if isinstance(error, RuntimeError) and "upload" in str(error):  # what the client makes of a failed upload of a large file
        return HubFailedError(f"{doing}: the Hub did not take the upload ({_line(error)}); nothing was changed there")
    if response is not None:
        return _of_status(response, repo_id, revision, doing)
    if names & {"TimeoutException", "Timeout"}:
        return HubFailedError(f"{doing}: the Hub did not answer in time; try again later")
    if not names & _BROKEN and any(name.startswith(("Connect", "NetworkError")) for name in names):
        reason = getattr(chain[-1], "strerror", None) or _line(chain[-1])
        return HubFailedError(f"{doing}: the Hub cannot be reached: {reason}")
    if names & _BROKEN or "onsistency check" in str(error) or "size" in str(error):
        return HubFailedError(f"{doing}: the connection broke off in the middle; try again")
    return HubFailedError(f"{doing} failed: {_line(error)}")


def _of_status(response: Any, repo_id: str, revision: str | None, doing: str) -> ZooError:
    status, code = int(response.status_code), response.headers.get("X-Error-Code", "")
    words = " ".join(str(response.headers.get("X-Error-Message") or "").split())[:300]
    said = f": {words}" if words else ""
    if code == "EntryNotFound":
        return HubFailedError(f"{doing}: the Hub lists the file and does not have it; try again later")
    if status in (412, 429) or status >= 500:
        reasons = {
            412: "somebody else changed it meanwhile (412); look at what is there now and push again",
            429: "too many requests (429); try again later",
        }
        return HubFailedError(f"{doing}: {reasons.get(status, f'the Hub failed ({status}{said}); try again later')}")
    if code == "RevisionNotFound":
        wrong = f"{repo_id} has no revision {revision!r} on the Hub; name a commit, a tag or a branch that it has"
    elif code == "GatedRepo":
        wrong = f"{repo_id} is gated: ask for access on its page, then give your token {TOKEN}"
    elif status == 401 and "nvalid" in words:
        wrong = f"the Hub does not accept the token (401{said}): give a valid one {TOKEN}"
    elif code == "RepoNotFound" or status in (401, 404):
        wrong = f"the Hub has no repository {repo_id}, or not for you ({status}): check the name; "
        wrong += f"a private one needs a token {TOKEN}"
    elif status == 403:
        wrong = f"{doing}: the Hub does not let you (403{said}); give a token that has the right {TOKEN}"
    else:
        wrong = f"{doing}: the Hub refused ({status}{said})"
    return HubRefusedError(wrong)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
