"""The table: seconds of every solver to the same accuracy, and Cycloid's ratio to the best peer.

python -m bench.table --problems lasso-D1-100 path-S1 --target 1e-6 1e-10 --out results.json
"""

from __future__ import annotations

import argparse
import fnmatch
import math
from pathlib import Path

from bench import cell, peers, problems, record
from bench.cell import Cell
from bench.record import Record

HERE = Path(__file__).parent


def seconds(found: Cell, target: float, clock: str) -> float | None:
    run = found.targets.get(cell.key(target))
    return None if run is None else getattr(run, clock)


def measure(
    names: list[str],
    solvers: list[str] | None,
    threads: int,
    targets: tuple[float, ...] | None,
    timeout: float,
    save_to: Path | None,
) -> Record:
    """Measure all cells, one after the other; stored after each, so nothing is lost."""
    result = Record(record.conditions(threads))
    for name in names:
        try:
            problem = problems.load(name)
        except problems.Unavailable as reason:
            print(f"{name}: skipped, {reason}", flush=True)
            continue
        chosen = [p.name for p in peers.peers_for(problem, solvers)]
        del problem
        for solver in chosen:
            found = cell.run(name, solver, threads, targets, timeout)
            result.cells.append(found)
            print(describe(found), flush=True)
            if save_to:
                result.save(save_to)
    return result


def describe(found: Cell) -> str:
    reached = ", ".join(
        f"{target}: {run.cpu:.3g} s CPU, {run.wall:.3g} s wall (tol {run.tol:.0e})"
        for target, run in found.targets.items()
    )
    outcome = reached or f"best accuracy {found.best:.0e}"
    extra = "" if found.status == "ok" else f" [{found.status}: {found.reason}]"
    return f"{found.problem:22s} {found.solver:24s} {outcome}{extra}"


def markdown(result: Record, targets: tuple[float, ...] | None, clock: str) -> str:
    """One row a problem and target: our seconds, the peers from fast to slow, the ratio. Solvers of
    the limit, which know no target, have a row against our tightest."""
    lines = [
        "| problem | accuracy | Cycloid | best peer | other peers | Cycloid / best peer |",
        "|---|---|---|---|---|---|",
    ]
    known = peers.all_peers()
    for name in dict.fromkeys(c.problem for c in result.cells):
        cells = [c for c in result.cells if c.problem == name and c.status != "skipped"]
        limits = [c for c in cells if known[c.solver].is_limit]
        rivals = [c for c in cells if c not in limits]
        wanted = targets or problems.kind(name).targets
        for target in wanted:
            lines.append(_row(name, f"{target:g}", target, rivals, clock))
        if limits:
            ours = [c for c in rivals if c.solver == peers.OURS]
            lines.append(_row(name, "exact", min(wanted), ours + limits, clock))
    return "\n".join(lines)


def _row(name: str, label: str, target: float, cells: list[Cell], clock: str) -> str:
    ours, own, rivals, failed = None, "-", [], []
    for found in cells:
        value = seconds(found, target, clock)
        if found.solver == peers.OURS:
            ours, own = value, why_not(found) if value is None else f"{value:.3g}"
        elif value is None:
            failed.append(f"{found.solver} {why_not(found)}")
        else:
            rivals.append((value, found.solver))
    rivals.sort()
    texts = [f"{solver} {value:.3g}" for value, solver in rivals]
    best = texts[0] if texts else "-"
    ratio = f"{ours / rivals[0][0]:.2f}" if ours is not None and rivals else "-"
    return f"| {name} | {label} | {own} | {best} | {', '.join(texts[1:] + failed)} | {ratio} |"


def why_not(found: Cell) -> str:
    """What stands in the place of seconds: a dash and, in a word or two, the reason."""
    reason = found.reason.split(":")[0]
    if found.status == "timeout":
        reason = f"timeout, error {found.best:.0e}" if math.isfinite(found.best) else "timeout"
    return f"- ({reason})" if reason else "-"


def document(result: Record, targets: tuple[float, ...] | None, clock: str) -> str:
    meta = result.meta
    packages = ", ".join(f"{name} {version}" for name, version in meta["packages"].items())
    skipped = sorted({f"{c.solver} ({c.reason})" for c in result.cells if c.status == "skipped"})
    kind = "CPU" if clock == "cpu" else "wall"
    return "\n".join(
        [
            "# Results",
            "",
            f"{meta['date']}; {meta['processor']}, {meta['cores']} cores; "
            f"{meta['threads']} thread(s); {kind} seconds, medians; "
            f"Python {meta['python']}, {packages}.",
            "Accuracy is (P - best dual) / P(0) for linear models, for transport (ot-*) the L1 "
            "error of both marginals as a share of the mass, for networks (relu-*) the objective's "
            "relative excess or the violation of the cones, under constraints (sum-*, control-*, "
            "equal-*) the norm of the conditions of optimality, on graphs (graph-*) the largest "
            'error of a value; "-" means not reached, with the '
            "reason. An exact solver (the linear program, reg = 0) has rows of its own. "
            "What is measured, and its limits: `README.md`.",
            *([f"Skipped: {', '.join(skipped)}."] if skipped else []),
            "",
            markdown(result, targets, clock),
            "",
        ]
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--problems",
        nargs="+",
        default=["*"],
        metavar="NAME",
        help="names or patterns such as 'lasso-*' (default: all)",
    )
    parser.add_argument("--solvers", nargs="+", metavar="NAME", help="default: all that apply")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--target", type=float, nargs="+", help="default: the targets of each problem's family"
    )
    parser.add_argument("--timeout", type=float, default=cell.TIMEOUT, help="seconds a cell")
    parser.add_argument(
        "--clock",
        choices=["cpu", "wall"],
        help="default: cpu with one thread (robust on a busy machine), else wall",
    )
    parser.add_argument("--out", type=Path, help="JSON file for all measurements")
    parser.add_argument(
        "--markdown", type=Path, help="default: RESULTS.md, if nothing was left out of the run"
    )
    parser.add_argument("--list", action="store_true", help="list problems and solvers")
    given = parser.parse_args(arguments)
    if given.list:
        print("problems:", *problems.names(), "solvers:", *peers.all_peers(), sep="\n  ")
        return
    names = [n for n in problems.names() if any(fnmatch.fnmatch(n, p) for p in given.problems)]
    if not names:
        parser.error(f"no problem matches {given.problems}")
    targets = tuple(given.target) if given.target else None
    clock = given.clock or ("cpu" if given.threads == 1 else "wall")
    result = measure(names, given.solvers, given.threads, targets, given.timeout, given.out)
    text = document(result, targets, clock)
    complete = given.problems == ["*"] and not given.solvers
    if given.markdown or complete:
        (given.markdown or HERE / "RESULTS.md").write_text(text)
    print("\n" + markdown(result, targets, clock))


if __name__ == "__main__":
    main()
