"""The engine of a cluster: cells as futures of dask.distributed, whatever started its scheduler and workers."""

from __future__ import annotations

import contextlib
import logging
import queue
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from zoo.benching import remote
from zoo.benching.cells import Cell
from zoo.benching.crew import asked_of, lost, reason_of
from zoo.benching.pool import finish
from zoo.benching.same import proof_of
from zoo.probing.children import Ended
from zoo.utils.errors import RequestError, ZooError, border, cause
from zoo.utils.files import user_path

RETRIES = 2
"""How often a cell is tried again whose process died, or whose worker could not do it; dask counts dead workers itself."""
GPU = "GPU"
"""What a worker with a GPU calls it: ``dask worker --resources GPU=1``."""
_PATIENCE = 20.0
"""Seconds in which a scheduler answers."""


@contextlib.contextmanager
def connected(address: str, device: str, tell: Callable[[str], None]) -> Iterator[Cluster]:
    """The engine of the cluster whose scheduler has this address, or wrote this file.

    Raises:
        RequestError: the file is not there.
        ZooError: nothing answers, or dask.distributed is not installed.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ZooError(f"the engine dask needs dask.distributed ({cause(error)}): pip install 'cond-zoo[cluster]'") from error
    where = {"address": address}
    if address.endswith(".json"):
        where = {"scheduler_file": str(user_path(address))}
        if not user_path(address).is_file():
            raise RequestError(f"{address} is no file: name the one that the scheduler wrote, or its address")
    loggers = [logging.getLogger(name) for name in ("distributed.client", "distributed.core", "distributed.comm")]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:  # they tell at length what is told here in a line
            logger.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")  # where a cell goes on, it takes its state along
            with border(f"no scheduler of dask answers at {address}"):
                client = Client(**where, timeout=_PATIENCE, set_as_default=False, name="zoo-bench")
            try:
                yield (cluster := Cluster(client, address, device, tell))
                with contextlib.suppress(Exception):
                    client.run(remote.leave, cluster.bench, on_error="ignore")
            finally:
                with contextlib.suppress(Exception):
                    client.close(timeout=2)
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


class Cluster:
    """Workers that may come and go. One whose packages or data are not those of this machine is refused, once and for all.

    A cell on a GPU asks for the resource :data:`GPU`. Where the device is ``"auto"``, cells are done on GPUs if any worker
    offers one, else on what each worker has.
    """

    def __init__(self, client: Any, address: str, device: str, tell: Callable[[str], None]) -> None:
        self.client, self.address, self.device, self.tell = client, address, device, tell
        self.bench = uuid.uuid4().hex
        self.refused: dict[str, str] = {}
        self.seen = frozenset[str]()
        self.waiting: dict[Any, Cell] = {}
        self.ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        offers = [worker["resources"] for worker in self._workers().values()]
        gpus = any(offer.get(GPU) for offer in offers)
        if device == "auto" and gpus:
            self.device = "cuda"
        if not offers:
            tell(f"the cluster at {address} has no workers yet: the runs wait for them")
        elif self.device.startswith("cuda") and not gpus:
            tell(f"no worker offers a GPU (dask worker --resources {GPU}=1): the runs wait for one")

    def _workers(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.scheduler_info(n_workers=-1)["workers"]
        return found

    def do(self, cells: Sequence[Cell]) -> Iterator[Cell]:
        try:
            for cell in cells:
                try:
                    self._send(cell)
                except remote.TooMuch as error:
                    cell.fail(f"{error}: it goes on without --engine, or anew where {cell.folder} is removed")
                    yield cell
            while self.waiting:
                try:
                    future = self.ended.get(timeout=1.0)
                except queue.Empty:
                    with border(f"the scheduler at {self.address} does not answer; what is done is kept"):
                        self._spread()
                    continue
                if (ended := self.waiting.pop(future, None)) is not None and self._take(ended, future):
                    yield ended
        finally:
            left, self.waiting = list(self.waiting), {}
            with contextlib.suppress(Exception):
                self.client.cancel(left, force=True)

    def _send(self, cell: Cell) -> None:
        request = asdict(replace(cell.request, device=self.device))
        asked = {**asked_of(cell), "proof": proof_of(cell)}
        files = remote.packed(cell.folder) if cell.status == "stopped" else {}
        future = self.client.submit(
            remote.do,
            {"bench": self.bench, "asked": asked, "request": request, "files": files},
            key=f"zoo-{cell.name.replace(' ', '-')}-{uuid.uuid4().hex}",
            pure=False,
            retries=RETRIES,
            workers=self._allowed(),
            resources={GPU: 1} if self.device.startswith("cuda") else None,
        )
        self.waiting[future] = cell
        future.add_done_callback(self.ended.put)

    def _allowed(self) -> list[str] | None:
        """The workers that may do cells; None for whoever there is."""
        if not self.refused:
            return None
        allowed = [address for address in self._workers() if address not in self.refused]
        if not allowed:
            whose, why = next(iter(self.refused.items()))
            raise ZooError(f"all workers of the cluster at {self.address} are refused, the one at {whose} because {why}")
        return allowed

    def _spread(self) -> None:
        """Where workers are refused, dask knows for each cell which workers may do it: tell it of those that have come."""
        workers = frozenset(self._workers()) if self.refused else self.seen
        if workers == self.seen:
            return
        self.seen = workers
        begun = {key for stacks in self.client.call_stack(list(self.waiting)).values() for key in stacks}
        idle = {future: cell for future, cell in self.waiting.items() if future.key not in begun}
        for future, cell in idle.items():
            del self.waiting[future]
            future.cancel(force=True)
            self._send(cell)

    def _take(self, cell: Cell, future: Any) -> bool:
        """Take the result of a cell; False where it has to be done elsewhere.

        Raises:
            ZooError: the scheduler is gone, and with it all that it knew.
        """
        from distributed import CancelledError

        try:
            answer = future.result(timeout=None)
        except CancelledError as error:
            why = f"the scheduler at {self.address} is gone, or has forgotten this bench"
            raise ZooError(f"{why}; what is done is kept: the same command goes on from there") from error
        except Ended as end:
            cell.fail(f"{lost(end)}; it was tried {RETRIES + 1} times")
        except Exception as error:
            died = type(error).__name__ == "KilledWorker"
            cell.fail("the workers that did it died, one after another" if died else reason_of(error))
        else:
            if why := answer["refused"]:
                if answer["worker"] not in self.refused:
                    self.tell(f"the worker at {answer['worker']} is refused: {why}")
                    self.refused[answer["worker"]] = why
                self._send(cell)
                return False
            try:
                cell.begin()
                remote.unpack(answer["files"], cell.folder)
                cell.fail(answer["reason"]) if answer["reason"] else finish(cell)
            except Exception as error:
                cell.fail(reason_of(error))
        return True
