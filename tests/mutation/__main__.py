"""Mutation tests: change the program in one place at a time, and see whether a test notices."""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from mutation.mutants import Mutant, all_mutants
from mutation.targets import TESTS, modules_by_area
from mutation.trial import Outcome, Trial, covered, warm_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mutation.trial import Covered

ROOT = Path(__file__).parents[2]
PAUSE_S = 0.01
ENVIRONMENT = {
    "COVERAGE_CORE": "ctrace",  # the one that tells tests apart on every Python
    "OPENBLAS_NUM_THREADS": "1",  # each mutant has one processor
    "OMP_NUM_THREADS": "1",
}


def main() -> int:
    """Draw mutants, test them, and report the share that was killed."""
    options = _options()
    os.environ.update(ENVIRONMENT)  # before anything imports NumPy
    modules = [each for found in modules_by_area(ROOT).values() for each in found]
    sources = {each: (ROOT / each).read_text(encoding="utf-8") for each in modules}
    mutants = [each for each in all_mutants(sources) if options.only in each.name]
    if 0 < options.n < len(mutants):
        mutants = random.Random(options.seed).sample(mutants, options.n)
    print(f"{len(mutants)} mutants of {len(modules)} modules; first every test once", flush=True)
    seen = covered(TESTS, modules, ROOT)
    if seen.exit_code:
        print("the tests fail without a mutant")
        return 2
    warm_up(seen.imported)
    print(f"{len(seen.seconds)} tests in {sum(seen.seconds.values()):.0f} s", flush=True)
    unchanged = _unchanged(sources, seen)
    if not _survives(unchanged, seen):
        print("without a change, a mutant dies all the same")
        return 2
    outcomes: dict[str, Outcome] = {}
    begun = time.monotonic()
    for mutant, outcome in _tested(mutants, seen, options.jobs):
        outcomes[mutant.name] = outcome
        if outcome in {Outcome.SURVIVED, Outcome.UNCOVERED}:
            print(f"{outcome.value}: {mutant.name}\n{mutant.diff(sources[mutant.module])}", flush=True)
        if len(outcomes) % max(1, min(25, len(mutants) // 10)) == 0:
            print(f"{len(outcomes)} of {len(mutants)} after {time.monotonic() - begun:.0f} s", flush=True)
    if not _survives(unchanged, seen):
        print("without a change, a mutant dies by now: something beside the mutants broke")
        return 2
    return _report(outcomes, options.floor)


def _unchanged(sources: Mapping[str, str], seen: Covered) -> Mutant:
    """Return the module that most tests run, unchanged: no test may fail for being run in a fork."""
    module = max(seen.tests_of, key=lambda each: sum(map(len, seen.tests_of[each].values())))
    return Mutant(module, "", 0, 1, 1, is_at_import=True, source=sources[module])


def _survives(mutant: Mutant, seen: Covered) -> bool:
    [(_, outcome)] = _tested([mutant], seen, 1)
    return outcome is Outcome.SURVIVED


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mutation", description=__doc__)
    parser.add_argument("--n", type=int, default=0, help="how many mutants to draw; 0 for all")
    parser.add_argument("--seed", default="", help="what they are drawn by, such as a commit")
    parser.add_argument("--only", default="", help="only mutants with this in their name")
    parser.add_argument("--floor", type=float, default=0.0, help="fail below this share, in percent")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _tested(mutants: Sequence[Mutant], seen: Covered, n_jobs: int) -> Iterator[tuple[Mutant, Outcome]]:
    """Yield each mutant with its outcome, as they end."""
    waiting, running = list(reversed(mutants)), list[Trial]()
    while waiting or running:
        while waiting and len(running) < n_jobs:
            mutant = waiting.pop()
            tests = seen.tests_for(mutant)
            if tests:
                seconds = sum(seen.seconds.get(each, 0.0) for each in tests)
                running.append(Trial(mutant, tests, seconds, ROOT))
            else:
                yield mutant, Outcome.UNCOVERED
        time.sleep(PAUSE_S)
        for trial in running.copy():
            if (outcome := trial.outcome()) is not None:
                running.remove(trial)
                yield trial.mutant, outcome


def _report(outcomes: Mapping[str, Outcome], floor: float) -> int:
    """Print the score of each module, the survivors and, last, the score of all."""
    total, killed = Counter[str](), Counter[str]()
    survivors = []
    for name, outcome in sorted(outcomes.items()):
        module = name.split(":")[0]
        is_killed = outcome in {Outcome.KILLED, Outcome.TIMED_OUT}
        total[module] += 1
        killed[module] += is_killed
        if not is_killed:
            survivors.append(name)
    for module, count in sorted(total.items()):
        print(f"{100 * killed[module] / count:5.1f} % of {count:4d}  {module}")
    score = 100 * killed.total() / max(1, total.total())
    listed = ", ".join(survivors) or "none"
    print(f"mutation score {score:.1f} % ({killed.total()} of {total.total()} killed); survivors: {listed}")
    if score < floor:
        print(f"mutation score {score:.1f} % is below {floor:.0f} %", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
