"""What the Hub's client raises, in one line for a reader: the request was wrong, or the Hub failed."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import Any

from zoo.utils.errors import RequestError, ZooError


class HubFailedError(ZooError):
    """The Hub, or the way to it, failed. Exit code 1."""


class HubRefusedError(RequestError):
    """The Hub has no such thing, or not for this user. Exit code 2."""


@contextlib.contextmanager
def translated(repo_id: str, revision: str | None = None, *, doing: str) -> Iterator[None]:
    """Whatever the client raises within it comes out as one of this project's errors.

    Args:
        repo_id: what it is about.
        revision: that was asked for.
        doing: in words, for example ``fetching config.json of ORG/REPO``.

    Raises:
        HubRefusedError: no such repository or revision, no access, a name that the Hub does not take.
        HubFailedError: it failed, broke off, or could not be reached.
        ZooError: the disk refused.
    """
    try:
        yield
    except ZooError:
        raise
    except Exception as error:  # the client's versions raise the errors of two HTTP libraries, and several of their own
        raise _translate(error, repo_id, revision, doing) from error


def _translate(error: Exception, repo_id: str, revision: str | None, doing: str) -> ZooError:
    chain = list(_chain(error))
    names = {name for one in chain for name in _names(one)}
    disk = next((one for one in chain if isinstance(one, OSError) and one.errno in _DISK), None)
    if disk is not None:
        return ZooError(f"{doing}: the disk refused: {disk.strerror}; nothing half-written is kept")
    if names & {"OfflineModeIsEnabled"}:
        return HubFailedError(f"{doing}: HF_HUB_OFFLINE is set, and it is not in the cache")
    response = next((one.response for one in chain if getattr(one, "response", None) is not None), None)  # type: ignore[attr-defined, unused-ignore]
    refused = isinstance(error, RuntimeError) and "upload" in str(error)  # what the client makes of a failed LFS upload
    if isinstance(error, ValueError) and "Invalid metadata" in str(error):
        return HubRefusedError(f"{doing}: the Hub does not take the card: {' '.join(str(error).split())[:300]}")
    if response is not None and not refused:
        return _of_status(response, repo_id, revision, doing)
    if names & {"HFValidationError"}:
        return HubRefusedError(f"the Hub does not take the name {repo_id!r}: {_line(error)}")
    if refused:
        return HubFailedError(f"{doing}: the Hub did not take the upload ({_line(error)}); nothing was changed there")
    if names & {"TimeoutException", "Timeout"}:
        return HubFailedError(f"{doing}: the Hub did not answer in time; try again later")
    if any(name.startswith(("Connect", "NetworkError")) for name in names) and not names & _BROKEN:
        return HubFailedError(f"{doing}: the Hub cannot be reached: {_reason(chain[-1])}")
    if names & _BROKEN or "onsistency check" in str(error) or "size" in str(error):
        return HubFailedError(f"{doing}: the connection broke off in the middle; try again")
    return HubFailedError(f"{doing} failed: {_line(error)}")


_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG, errno.EIO}
_BROKEN = {"RemoteProtocolError", "ReadError", "ChunkedEncodingError", "IncompleteRead", "ProtocolError"}


def _of_status(response: Any, repo_id: str, revision: str | None, doing: str) -> ZooError:
    status, code = int(response.status_code), response.headers.get("X-Error-Code", "")
    words = " ".join(str(response.headers.get("X-Error-Message") or "").split())[:300]
    said = f": {words}" if words else ""
    if code == "RevisionNotFound":
        return HubRefusedError(
            f"{repo_id} has no revision {revision!r} on the Hub; name a commit, a tag or a branch that it has"
        )
    if code == "EntryNotFound":
        return HubFailedError(f"{doing}: the Hub lists the file and does not have it; try again later")
    if code == "GatedRepo":
        return HubRefusedError(
            f"{repo_id} is gated: ask for access on its page, then give your token (hf auth login or HF_TOKEN)"
        )
    if status == 401 and "nvalid" in words:
        return HubRefusedError(f"the Hub does not accept the token (401{said}): give a valid one (hf auth login or HF_TOKEN)")
    if code == "RepoNotFound" or status in (401, 404):
        return HubRefusedError(
            f"the Hub has no repository {repo_id}, or not for you ({status}): "
            "check the name; a private one needs a token (hf auth login or HF_TOKEN)"
        )
    if status == 403:
        return HubRefusedError(
            f"{doing}: the Hub does not let you (403{said}); give a token that has the right (hf auth login or HF_TOKEN)"
        )
    if status == 412:
        return HubFailedError(f"{doing}: somebody else changed it meanwhile (412); look at what is there now and push again")
    if status == 429:
        return HubFailedError(f"{doing}: too many requests (429); try again later")
    if status < 500:
        return HubRefusedError(f"{doing}: the Hub refused ({status}{said})")
    return HubFailedError(f"{doing}: the Hub failed ({status}{said}); try again later")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what caused it, what caused that, ..."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _names(error: BaseException) -> Iterator[str]:
    return (cls.__name__ for cls in type(error).__mro__)


def _reason(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or _line(error)


def _line(words: object) -> str:
    """Its first line that says something."""
    lines = [line.strip() for line in str(words).splitlines() if line.strip()]
    return (lines[0] if lines else type(words).__name__)[:300]
