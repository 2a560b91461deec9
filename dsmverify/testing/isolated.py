"""The conformance suite in a process of its own: a crash of the code under test is a result.

The child imports the target, plans, and sends each result as it comes. Where it dies in a check,
that check has failed, and a new child goes on with the rest; after `MOST_CRASHES` the rest is lost.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any, Final

from dsmverify.errors import InputError, show
from dsmverify.testing import conformance
from dsmverify.testing.adapter import load
from dsmverify.testing.conformance import Scope
from dsmverify.testing.expected import Expected
from dsmverify.testing.results import Result, Results, judge

MOST_CRASHES: Final = 3
"""A target that takes its process down so often is not tried further."""

_PATIENCE: Final = 5.0
"""Seconds that a child which has said everything may take to end."""


@dataclass(frozen=True)
class _Planned:
    """What a child says before its first check: the plan as results that are lost so far."""

    results: tuple[Result, ...]
    every_id: tuple[str, ...]
    not_offered: Mapping[str, str]
    settings: Mapping[str, Any]
    notes: tuple[str, ...]
    not_asked: tuple[str, ...]


def run(
    target: str,
    expected: Expected | None = None,
    *,
    scope: Scope | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Results:
    """Run the suite on a target in another process.

    Args:
        target: `pkg.mod:Name`.
        expected: failures on record.
        scope: what of it is to be tried.
        progress: called after each check.

    Raises:
        InputError: no adapter there, it takes the process down before its first check, or an
            expected failure matches no check.
    """
    scope = Scope() if scope is None else scope
    expected = Expected() if expected is None else expected
    planned: _Planned | None = None
    done: dict[str, Result] = {}
    crashes = 0
    while planned is None or (len(done) < len(planned.results) and crashes < MOST_CRASHES):
        underway = ""
        with _child(target, scope, frozenset(done)) as (receiver, process):
            while planned is None or len(done) < len(planned.results):
                message = _receive(receiver)
                if message is None:
                    break
                if isinstance(message, InputError):
                    raise message
                if isinstance(message, _Planned):
                    if planned is None:
                        expected.check_used(message.every_id)
                    planned = message
                elif isinstance(message, Result):
                    done[message.id] = message
                    underway = ""
                    if progress is not None and planned is not None:
                        progress(len(done), len(planned.results), message.id)
                else:
                    underway = message
            process.join(_PATIENCE)
            death = _death(process.exitcode)
        if planned is None:
            raise InputError(
                "TARGET",
                show(target),
                f"importing it took its process down ({death})",
                "make it importable first",
            )
        crashes += 1  # the loop ends before this counts, where everything was done
        if underway:
            found = {result.id: result for result in planned.results}[underway]
            text = f"the process died in this check ({death})"
            done[underway] = replace(found, verdict="failed", message=text)
    left = f"not run: the process died {crashes} times before"
    results = tuple(
        judge(done.get(result.id, replace(result, message=left)), expected.reason(result.id))
        for result in planned.results
    )
    return Results(
        target,
        results,
        planned.not_offered,
        planned.settings,
        planned.notes,
        planned.not_asked,
    )


@contextlib.contextmanager
def _child(target: str, scope: Scope, skip: frozenset[str]) -> Iterator[tuple[Connection, Any]]:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, target, scope, skip))
    process.start()
    sender.close()  # so that the end of the child is the end of the stream
    try:
        yield receiver, process
    finally:
        receiver.close()
        if process.is_alive():
            process.terminate()
        process.join()


def _receive(receiver: Connection) -> Any:
    try:
        return receiver.recv()
    except (EOFError, ConnectionResetError):
        return None


def _work(sender: Connection, target: str, scope: Scope, skip: frozenset[str]) -> None:
    """What the child does; messages are `_Planned`, then per check its id and its `Result`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and ends this process
    try:
        adapter = load(target)
        chosen = scope.of(adapter)
        planned = conformance.plan(chosen, deep=scope.deep)
        ids = conformance.every_id(adapter, scope)
    except InputError as error:
        sender.send(error)
        return
    notes = conformance.notes(chosen, deep=scope.deep)
    waiting = tuple(check.result("lost", "not run") for check in planned)
    unasked = scope.leaves_out(adapter)
    sender.send(_Planned(waiting, ids, chosen.reasons, chosen.settings(), notes, unasked))
    for check in planned:
        if check.id not in skip:
            sender.send(check.id)
            sender.send(conformance.outcome(check))


def _death(status: int | None) -> str:
    if status is not None and status < 0:
        with contextlib.suppress(ValueError):
            return f"by {signal.Signals(-status).name}"
    return f"with status {status}"
