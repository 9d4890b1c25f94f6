"""``scripts/world``: plays the stories of many seeds, or one of them, and shrinks what fails.

A seed gives the same story and the same run on the same commit, as long as sets of texts are walked
in the same order: PYTHONHASHSEED must be 0, which ``scripts/world`` sees to.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.world.options import BRIEF_S, Options, expand
from tests.world.play import Verdict, play
from tests.world.shrink import kind_of, shrink
from tests.world.story import tell

SHRUNK_MOST = 5
"""Failing seeds that are shrunk; the others are named."""


def main(words: Sequence[str] | None = None) -> int:
    """The number of failing seeds, 1 at the most."""
    arguments = _parser().parse_args(words)
    logging.disable(logging.DEBUG)
    if arguments.seed is not None:
        return _one(arguments)
    return _many(arguments)


def judge(
    options: Options, places: Sequence[int] | None = None, *, chatty: bool = False
) -> Verdict:
    """The verdict on a world; on some steps of its story only where ``places`` names them."""
    steps = tell(options)
    chosen = steps if places is None else [steps[place] for place in places]
    return play(options, chosen, chatty=chatty)


def smallest(verdict: Verdict) -> tuple[Verdict, list[int]]:
    """The same problem with the fewest steps, and their places in the story."""
    options, kind = verdict.options, kind_of(verdict.problem or "")

    def fails(places: Sequence[int]) -> bool:
        return kind_of(judge(options, places).problem or "") == kind

    places = shrink(len(verdict.steps), fails)
    return judge(options, places), places


def _one(arguments: argparse.Namespace) -> int:
    places = None
    if arguments.steps is not None:
        places = [int(place) for place in arguments.steps.split(",") if place]
    options = expand(arguments.seed, brief=arguments.brief)
    verdict = judge(options, places, chatty=arguments.chatty)
    print(verdict)
    if verdict.problem and places is None:
        _show_smallest(verdict)
    return int(verdict.problem is not None)


def _many(arguments: argparse.Namespace) -> int:
    first, count = arguments.first, arguments.seeds
    worlds = [expand(seed, brief=arguments.brief) for seed in range(first, first + count)]
    began_s, virtual_s = time.monotonic(), 0.0
    failed: list[Verdict] = []
    for verdict in _verdicts(worlds, arguments.jobs):
        virtual_s += verdict.at_s
        if verdict.problem:
            failed.append(verdict)
            print(f"seed {verdict.options.seed}: {verdict.problem.splitlines()[0]}", flush=True)
    took_s = time.monotonic() - began_s
    print(f"{count} seeds, {virtual_s / 3600:.1f} hours in {took_s:.1f} s: {len(failed)} failed")
    for verdict in failed[:SHRUNK_MOST]:
        if arguments.shrink:
            _show_smallest(verdict)
        else:
            print(f"\n{verdict}")
    return int(bool(failed))


def _verdicts(worlds: Sequence[Options], jobs: int) -> Iterator[Verdict]:
    if jobs == 1:
        yield from map(judge, worlds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(judge, worlds)


def _show_smallest(verdict: Verdict) -> None:
    found, places = smallest(verdict)
    print(f"\n{found}")
    steps = ",".join(map(str, places))
    brief = " --brief" if verdict.options.lasts_s == BRIEF_S else ""
    seed = verdict.options.seed
    print(f"replay: scripts/world{brief} --seed {seed} --steps '{steps}'", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/world", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, metavar="N", help="how many")
    parser.add_argument("--from", type=int, default=1, dest="first", metavar="SEED", help="which")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes")
    parser.add_argument("--brief", action="store_true", help="short stories with much in them")
    parser.add_argument("--no-shrink", action="store_false", dest="shrink", help="be quick")
    parser.add_argument("--seed", type=int, help="one only, with its story")
    parser.add_argument("--steps", metavar="PLACES", help="only these of its steps, as printed")
    parser.add_argument("--chatty", action="store_true", help="show its whole log")
    return parser


if __name__ == "__main__":
    sys.exit(main())
