"""One cell of the table: one solver on one problem, in a process of its own.

``run`` (parent) starts ``python -m bench.cell`` with the thread count in the environment; what it
had reached at the time-out counts. ``measure`` (child) walks the ladder of tolerances, from loose
to tight, and repeats the first step that reaches each target. The time-out is of CPU seconds, from
the moment when data are generated and code is compiled, so that a busy machine fails nobody; wall
seconds are limited to WALL_FACTOR times as much.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import math
import os
import resource
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from threadpoolctl import threadpool_limits

from bench import peers, problems
from bench.base import Ladder, Problem, Verdict
from bench.peers import Peer

TIMEOUT = 240.0
WALL_FACTOR = 4.0
REPEATS = 5
FEWER = {5.0: 3, 60.0: 1}  # runs in all where one takes more than so many seconds
COARSE_ABOVE = 2.0  # seconds of a run after which the ladder goes on in steps of 10
SKIP_ABOVE = 0.2  # ... and after which hopeless steps are left out
BATCH = 0.25  # seconds that one timing of a quick solve lasts, by repetition
EXEMPT = 3_600.0  # CPU seconds that judging one solution may take
MARGIN = 10.0  # a step is hopeless if, in proportion, it misses the next target by more


@dataclass(frozen=True)
class Run:
    """One measured step of the ladder."""

    tol: float
    wall: float
    cpu: float
    accuracy: float
    support: int
    repeats: int = 1


@dataclass
class Cell:
    """``targets`` maps a target, written as "1e-06", to the run that reached it; ``reason`` says
    why others were not reached.
    """

    problem: str
    solver: str
    threads: int
    status: str = "ok"  # ok | missed | timeout | error | skipped
    reason: str = ""
    best: float = float("inf")
    targets: dict[str, Run] = field(default_factory=dict)


def key(target: float) -> str:
    return f"{target:.0e}"


def timed(peer: Peer, data, tol: float, number: int = 1) -> tuple[Any, float, float]:
    """Wall and CPU seconds of one of ``number`` solves in a row."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(number):
        solution = peer.solve(data, tol)
    wall, cpu = (time.perf_counter() - wall) / number, (time.process_time() - cpu) / number
    if solution.seconds is not None:
        wall, cpu = solution.seconds
    return solution, wall, cpu


def warm_up(peer: Peer, problem: Problem, threads: int) -> None:
    small = peer.prepare(problem.small(), threads)
    for tol in (1e-2, 1e-4):
        peer.solve(small, tol)
    peer.close(small)


def measure(
    peer: Peer,
    data,
    ladder: Ladder,
    judge: Callable[[Any], Verdict],
    targets: tuple[float, ...],
    repeats: int,
) -> Iterator[tuple[str | None, Run]]:
    """Yields each run of the ladder, then (target, repeated run) for each target reached: what a
    time-out ends first is repetition."""
    waiting, reached = sorted(targets, reverse=True), {}
    seconds, hopeless = 0.0, math.inf
    for tol, is_power_of_ten in ladder:
        if seconds > COARSE_ABOVE and not is_power_of_ten:
            continue
        if seconds > SKIP_ABOVE and tol > hopeless:
            continue
        solution, wall, cpu = timed(peer, data, tol)
        seconds = min(wall, cpu)
        run = Run(tol, wall, cpu, *judge(solution))
        yield None, run
        while waiting and run.accuracy <= waiting[0]:
            reached[waiting.pop(0)] = run
        if not waiting:
            break
        if ladder.is_linear and math.isfinite(run.accuracy):
            hopeless = MARGIN * tol * waiting[0] / run.accuracy
    for run in dict.fromkeys(reached.values()):
        repeated = repeat(peer, data, run, repeats)
        for target in (t for t, r in reached.items() if r is run):
            yield key(target), repeated


def number_of_runs(seconds: float, repeats: int = REPEATS) -> int:
    return min([repeats, *(runs for limit, runs in FEWER.items() if seconds > limit)])


def repeat(peer: Peer, data, run: Run, repeats: int) -> Run:
    """The median of ``repeats`` runs with one tolerance. The first run, possibly cold, is among
    them only where runs are slow, and then fewer do."""
    wanted = number_of_runs(min(run.wall, run.cpu), repeats)
    walls, cpus = ([run.wall], [run.cpu]) if wanted < repeats or repeats == 0 else ([], [])
    # Under a CPU limit the kernel counts CPU time in ticks of some milliseconds.
    number = max(1, min(200, round(BATCH / max(run.wall, 1e-4))))
    while len(walls) < wanted:
        _, wall, cpu = timed(peer, data, run.tol, number)
        walls.append(wall)
        cpus.append(cpu)
    return replace(
        run, wall=statistics.median(walls), cpu=statistics.median(cpus), repeats=len(walls)
    )


# -------------------------------------------------------------------------------- the processes


def environment(threads: int) -> dict[str, str]:
    variables = (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "NPROC",  # XLA's threads
    )
    return os.environ | dict.fromkeys(variables, str(threads))


def run(
    problem: str,
    solver: str,
    threads: int = 1,
    targets: tuple[float, ...] | None = None,
    timeout: float = TIMEOUT,
    repeats: int = REPEATS,
) -> Cell:
    """Measure one cell in a child process; never raises for what the solver does."""
    targets = targets or problems.kind(problem).targets
    cell = Cell(problem, solver, threads)
    cell.reason = peers.all_peers()[solver].reason()
    if cell.reason:
        cell.status = "skipped"
        return cell
    command = [
        sys.executable,
        "-m",
        "bench.cell",
        problem,
        solver,
        str(threads),
        str(timeout),
        *map(str, targets),
        "--repeats",
        str(repeats),
    ]
    with subprocess.Popen(
        command,
        env=environment(threads),
        text=True,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        # the whole group: an adapter may have started R
        end = functools.partial(_kill_group, child.pid)
        try:
            errors = _listen(child, cell, targets, threading.Timer(WALL_FACTOR * timeout, end))
        except BaseException:  # Ctrl-C here must not leave it running there
            end()
            raise
    if child.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        cell.status, cell.reason = "timeout", f"ended after {timeout:g} CPU seconds"
    elif child.returncode:
        last = errors[-1].strip() if errors else f"exit code {child.returncode}"
        cell.status, cell.reason = "error", last
    elif len(cell.targets) < len(targets):
        best = f"error {cell.best:.0e}" if math.isfinite(cell.best) else "nan"
        cell.status, cell.reason = "missed", best
    return cell


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _listen(
    child: subprocess.Popen, cell: Cell, targets: tuple[float, ...], timer: threading.Timer
) -> list[str]:
    """Fills the cell with what the child reports until it ends; returns its error output."""
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.extend(child.stderr), daemon=True)
    reader.start()
    for line in child.stdout:
        message = json.loads(line)
        if "started" in message:  # generating data, references and compilation are not counted
            timer.start()
            continue
        reached = message.pop("target")
        measured = Run(**message)
        cell.best = min(cell.best, measured.accuracy)
        if reached:
            cell.targets[reached] = measured
            continue
        for target in targets:  # stands if the time-out comes before the repeats are done
            if measured.accuracy <= target:
                cell.targets.setdefault(key(target), measured)
    timer.cancel()
    reader.join()
    return errors


class Allowance:
    """Lets this process, and each that it starts, use so many more CPU seconds."""

    def __init__(self, seconds: float) -> None:
        self.until = time.process_time()
        self.extend(seconds)

    def extend(self, seconds: float) -> None:
        self.until += seconds
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(self.until), resource.RLIM_INFINITY))

    def exempt(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Its seconds do not count."""

        def call(argument):
            self.extend(EXEMPT)
            before = time.process_time()
            result = function(argument)
            self.extend(time.process_time() - before - EXEMPT)
            return result

        return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("problem")
    parser.add_argument("solver")
    parser.add_argument("threads", type=int)
    parser.add_argument("timeout", type=float)
    parser.add_argument("targets", type=float, nargs="+")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    arguments = parser.parse_args()
    stdout = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a solver prints must not mix with the messages
    targets = tuple(arguments.targets)

    def send(message: dict) -> None:
        print(json.dumps(message), file=stdout, flush=True)

    problem = problems.load(arguments.problem)
    judge = problem.judge()
    peer = peers.all_peers()[arguments.solver]
    with threadpool_limits(arguments.threads):
        warm_up(peer, problem, arguments.threads)
        data = peer.prepare(problem, arguments.threads)
        allowance = Allowance(arguments.timeout * arguments.threads)
        send({"started": True})
        judge = allowance.exempt(judge)
        for reached, measured in measure(
            peer, data, problem.ladder, judge, targets, arguments.repeats
        ):
            send({"target": reached, **asdict(measured)})
        peer.close(data)


if __name__ == "__main__":
    main()
