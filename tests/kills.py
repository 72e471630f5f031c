"""A campaign of kills and of spoilt files against the store of a sweep: `make kills`, or a part.

A sweep with a store is killed at a random moment, as one process, with a process pool and with
Dask, in its parent or in a worker, by each of three signals; then the same call goes on from what
is there, while orphans of the killed one may still live. The other half spoils files of a finished
store at random and opens it again. The result must be that of a sweep that nobody touched, bit by
bit; of a spoilt store a refusal will do too. The seed says when, whom and what; exit status 1 if
anything else came out.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from hashlib import blake2b
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

BOXES = 24
PATIENCE = 60.0  # s of one run; those that are right take a few
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT")
WAYS = (
    ("single", "parent"), ("pool", "parent"), ("pool", "worker"),
    ("dask", "parent"), ("dask", "worker"),
)  # fmt: skip


def swept(store: Path, executor: Executor | None = None, name: str = "film") -> str:
    """Digest of every number and label of the sweep."""
    from dataclasses import replace

    import openmr as om

    film = replace(om.presets.pt_py(), name=name)
    temperature, field = np.linspace(5.0, 300.0, BOXES), np.linspace(0.0, 9.0, 4)
    found = om.sweep(
        film, temperature=temperature, field=field, spin=[0.5, 2.0], direction=np.eye(3),
        method="batched", executor=executor, store=store, chunk_points=24,
    )  # fmt: skip
    told = blake2b(json.dumps(found.attrs, sort_keys=True).encode())
    for label, one in sorted(found.variables.items()):
        told.update(f"{label} {one.dims} {one.shape} {one.attrs}".encode())
        told.update(str(one.values.tolist()).encode() if one.dtype.kind in "UTO"
                    else np.ascontiguousarray(one.values).tobytes())  # fmt: skip
    return told.hexdigest()


# --- runs --------------------------------------------------------------------------------------


@contextlib.contextmanager
def executor_of(way: str, address: str) -> Iterator[tuple[Executor | None, list[int]]]:
    """The executor of a way, and its workers."""
    if way == "pool":
        with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
            list(pool.map(abs, range(8)))
            yield pool, list(pool._processes)
    elif way == "dask":
        from distributed import Client

        with Client(address) as client:
            client.wait_for_workers(2, timeout=20)  # one that was killed before starts again
            yield client.get_executor(), list(client.run(os.getpid).values())
    else:
        yield None, []


class Run:
    """A process, with a session of its own, that sweeps and tells its workers, then its digest."""

    def __init__(self, store: Path, way: str = "single", address: str = "") -> None:
        ours, theirs = get_context("fork").Pipe(False)
        self.pipe, self._gone = ours, False
        sys.stdout.flush()
        self.process = os.fork()
        if self.process == 0:
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what workers and Dask say when they die
            os._exit(self._work(theirs, store, way, address))
        theirs.close()

    @staticmethod
    def _work(pipe: Any, store: Path, way: str, address: str) -> int:
        import openmr as om

        try:
            with executor_of(way, address) as (executor, workers):
                pipe.send(workers)
                pipe.send(("digest", swept(store, executor)))
        except KeyboardInterrupt:
            return 128 + signal.SIGINT
        except om.OpenmrError as error:
            pipe.send(("told", str(error)))
            return 3
        except BaseException as error:
            pipe.send(("raw", f"{type(error).__name__}: {error}"))
            return 4
        return 0

    def told(self) -> Any:
        """The next that it tells; nothing if it has died or takes too long."""
        deadline = time.monotonic() + PATIENCE
        with contextlib.suppress(EOFError, OSError):
            while not self.pipe.poll(0.05):  # orphans that were forked from it hold the pipe open
                if self.ended() and not self.pipe.poll():
                    return ("died", "")
                if time.monotonic() > deadline:
                    return ("hang", "")
            return self.pipe.recv()
        while not self.ended():
            time.sleep(0.01)
        return ("died", "")

    def ended(self) -> bool:
        """Whether it is gone, and no zombie either, which would count as running."""
        self._gone = self._gone or os.waitpid(self.process, os.WNOHANG)[0] != 0
        return self._gone

    def end(self) -> None:
        """Kill whatever is left of it and its workers."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)
        if not self._gone:
            os.waitpid(self.process, 0)
        self.pipe.close()


def done(store: Path) -> int:
    """Boxes of which the last variable has been begun."""
    return sum(1 for _ in store.glob("drho2/c/*/*"))


def killed(
    store: Path, way: str, whom: str, number: str, moment: random.Random, address: str
) -> tuple[str, str]:
    """Kill one run and go on from it: when it was hit, and what the next one gave."""
    run = Run(store, way, address)
    workers = run.told()
    if not isinstance(workers, list):
        run.end()
        return "not begun", str(workers)
    victim = moment.choice(workers) if whom == "worker" else run.process
    boxes, delay = moment.randrange(BOXES), moment.uniform(0.0, 0.05)
    deadline = time.monotonic() + PATIENCE
    while done(store) < boxes and not run.pipe.poll() and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(delay)
    when = "finished before" if run.pipe.poll() else "at work"
    with contextlib.suppress(ProcessLookupError):
        os.kill(victim, getattr(signal, number))
    kind, _ = run.told()
    if when == "at work" and kind == "digest":
        when = "went on"
    if kind in ("raw", "hang"):
        when = kind
    again = Run(store)
    again.told()
    kind, found = again.told()
    again.end()
    run.end()
    left = sorted(one.name for one in store.parent.iterdir() if one != store)
    return when, f"{kind} {found}" + (f", left {left}" if left else "")


def swept_untouched() -> str:
    """Digest of a sweep that nobody touches; imports what it does, so that forks need not."""
    ours, theirs = get_context("fork").Pipe(False)
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        if os.fork() == 0:  # zarr has threads, which no fork after this one is to meet
            theirs.send((swept(Path(folder) / "s"), list(sys.modules)))
            os._exit(0)
        untouched, modules = ours.recv()
        os.wait()
    for name in [*modules, "distributed"]:
        with contextlib.suppress(ImportError):
            import_module(name)
    return str(untouched)


def cluster() -> None:
    """Two workers of Dask, until standard input closes."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=60
    ) as here:
        print(here.scheduler_address, flush=True)
        sys.stdin.read()


class Cluster:
    """`cluster` in a process of its own, and its address."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--cluster"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()

    def end(self) -> None:
        """Close it."""
        self.process.communicate()


def kills(number: int, seed: int, untouched: str) -> tuple[Counter[tuple[str, ...]], list[str]]:
    """Counts by way, whom, signal and outcome, and what went wrong."""
    counts: Counter[tuple[str, ...]] = Counter()
    wrong = []
    cases = itertools.islice(itertools.cycle(itertools.product(WAYS, SIGNALS)), number)
    dask = Cluster()
    try:
        for i, ((way, whom), name) in enumerate(cases):
            for _ in range(2):
                with tempfile.TemporaryDirectory(prefix="kills-") as folder:
                    moment = random.Random(seed * 1_000_003 + i)
                    store = Path(folder) / "s"
                    when, found = killed(store, way, whom, name, moment, dask.address)
                if way != "dask" or when != "not begun":
                    break
                dask.end()  # nobody starts a worker that an interrupt has closed in good order
                dask = Cluster()
            right = found == f"digest {untouched}" and when in (
                "at work",
                "finished before",
                "went on",
            )
            counts[way, whom, name, when] += 1
            counts[way, whom, name, "identical" if right else "not"] += 1
            if not right:
                wrong.append(f"kill {i}, {way} {whom} {name}, {when}: {found}")
    finally:
        dask.end()
    return counts, wrong


# --- spoilt files ------------------------------------------------------------------------------


def flipped(file: Path, other: Path, chance: random.Random) -> None:
    data = bytearray(file.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    file.write_bytes(data)


def another_digit(file: Path, other: Path, chance: random.Random) -> None:
    data = bytearray(file.read_bytes())
    places = [i for i, byte in enumerate(data) if byte in b"0123456789"] or [0]
    place = chance.choice(places)
    data[place] = chance.choice([byte for byte in b"0123456789" if byte != data[place]])
    file.write_bytes(data)


def cut_short(file: Path, other: Path, chance: random.Random) -> None:
    os.truncate(file, chance.randrange(file.stat().st_size))


def longer(file: Path, other: Path, chance: random.Random) -> None:
    file.write_bytes(file.read_bytes() + chance.randbytes(chance.randrange(1, 40)))


def zeroed(file: Path, other: Path, chance: random.Random) -> None:
    data = bytearray(file.read_bytes())
    start = chance.randrange(len(data))
    data[start : start + 64] = bytes(len(data[start : start + 64]))
    file.write_bytes(data)


def removed(file: Path, other: Path, chance: random.Random) -> None:
    file.unlink()


def folder_removed(file: Path, other: Path, chance: random.Random) -> None:
    shutil.rmtree(file.parent)


def swapped(file: Path, other: Path, chance: random.Random) -> None:
    """With another file of the same store."""
    one, two = file.read_bytes(), other.read_bytes()
    file.write_bytes(two)
    other.write_bytes(one)


def of_another_sweep(file: Path, other: Path, chance: random.Random) -> None:
    """From the same place in the store of a sweep of another name."""
    store = next(one for one in file.parents if one.name == "s")
    shutil.copy(store.parent / "other" / file.relative_to(store), file)


SPOILING: tuple[Callable[[Path, Path, random.Random], None], ...] = (
    flipped, another_digit, cut_short, longer, zeroed, removed, folder_removed, swapped,
    of_another_sweep,
)  # fmt: skip
KINDS = ("number", "label", "metadata")


def kind_of(file: Path, store: Path) -> str:
    """What a file of a store holds."""
    if file.name == "zarr.json":
        return "metadata"
    name = file.relative_to(store).parts[0]
    return "number" if (store / name / "c/0/0/0").exists() else "label"


def corruptions(
    number: int, seed: int, untouched: str
) -> tuple[Counter[tuple[str, ...]], list[str]]:
    """Counts by kind of file, spoiling and outcome, and what went wrong."""
    import openmr as om

    counts: Counter[tuple[str, ...]] = Counter()
    wrong = []
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        whole, store, other = (Path(folder) / name for name in ("whole", "s", "other"))
        swept(whole)
        swept(other, name="other")
        shutil.copytree(whole, store)
        files = [file for file in sorted(store.rglob("*")) if file.is_file()]
        kinds = {file: kind_of(file, store) for file in files}
        cases = itertools.islice(itertools.cycle(itertools.product(KINDS, SPOILING)), number)
        for i, (kind, spoil) in enumerate(cases):
            chance = random.Random(seed * 1_000_003 + i)
            file, second = chance.sample([file for file in files if kinds[file] == kind], 2)
            spoil(file, second, chance)
            try:
                found = swept(store)
                outcome = "identical" if found == untouched else "accepted wrong"
            except om.OpenmrError as error:
                outcome, found = "refused", str(error)
            except Exception as error:
                outcome, found = "raw error", f"{type(error).__name__}: {error}"
            counts[kind, spoil.__name__, outcome] += 1
            if outcome != "identical":  # which has mended the store
                for one in (file.parent, second.parent):
                    shutil.copytree(whole / one.relative_to(store), one, dirs_exist_ok=True)
            if outcome not in ("identical", "refused"):
                wrong.append(f"{i}, {spoil.__name__} {file.relative_to(store)}: {outcome}, {found}")
    return counts, wrong


# --- tables ------------------------------------------------------------------------------------

WHEN = ("at work", "went on", "finished before", "identical", "not")
ENDS = ("identical", "refused", "accepted wrong", "raw error")


def table(counts: Counter[tuple[str, ...]], columns: tuple[str, ...]) -> str:
    """Counts, by all that comes before the outcome."""
    rows = list(dict.fromkeys(key[:-1] for key in counts))
    lines = [" " * 28 + "".join(f"{name:>17}" for name in columns)]
    for row in [*rows, ()]:
        of_row = [
            sum(n for key, n in counts.items() if key[-1] == name and key[: len(row)] == row)
            for name in columns
        ]
        lines.append(f"{' '.join(row) or 'all':28}" + "".join(f"{n:>17}" for n in of_row))
    return "\n".join(lines)


def main() -> int:
    """Run both campaigns and print their tables and what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=200, help="of kills")
    parser.add_argument("--corruptions", type=int, default=300, help="of spoilt stores")
    parser.add_argument("--cluster", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.cluster:
        cluster()
        return 0
    start = time.monotonic()
    untouched = swept_untouched()
    wrong = []
    campaigns = ((kills, given.number, WHEN), (corruptions, given.corruptions, ENDS))
    for campaign, number, columns in campaigns:
        counts, of_it = campaign(number, given.seed, untouched)
        wrong += of_it
        print("\n".join(of_it), table(counts, columns), sep="\n", flush=True)
        print(f"{number} {campaign.__name__}, {time.monotonic() - start:.0f} s", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
