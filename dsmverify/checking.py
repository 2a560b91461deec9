"""The main job: every claim at every instance, then the verdicts."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from dsmverify import appendix, catalogue, content, derivation, pictures, tracing, witnesses
from dsmverify.battery import battery
from dsmverify.certify import KINDS, Session
from dsmverify.claims import Claim, ClaimOutcome, ReadOff, Row
from dsmverify.curves.bundled import bundled_points
from dsmverify.curves.points import CurvePoint, instance_from_json
from dsmverify.errors import DerivationError, InputError
from dsmverify.families import networks_for
from dsmverify.instance import Instance
from dsmverify.report import Input, Report, library_versions
from dsmverify.search import NotFound, Refutation, refute
from dsmverify.shape_records import ShapeProof, SharpConstant
from dsmverify.shapes import prove_shapes, sharpest_constants
from dsmverify.verdicts import decide_verdict, read_off, sound_row

NO_NETWORKS = "no networks generated: sigma is too small beside the data; network claims not tried"

AnyInstance = Instance | CurvePoint

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Trial:
    """One instance to be tried, and the claims to try on it.

    Attributes:
        instance: what is tried; its name tells a generated network from the sample's own.
        claims: ids.
        generated: description of the generated network, None for an instance as given.
    """

    instance: AnyInstance
    claims: tuple[str, ...]
    generated: str | None = None


def check(
    instances: Sequence[AnyInstance] | None = None,
    claims: Sequence[str] | None = None,
    *,
    jobs: int = 1,
    seed: int = 0,
    budget: int = 0,
    proofs_by_boxes: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Evaluate claims on instances with certified arithmetic.

    On the battery, counterexamples that were found before are decided again, and where none is
    known one is searched for.

    An instance without a network also stands for its sample: statements over all networks are tried
    on a generated, seeded family, one instance for each network, and the report says so. Claims
    about samples are tried on samples only, claims about learning curves on points of them.

    Args:
        instances: what to check; None for the bundled battery.
        claims: ids; None for all that speak of instances such as these. `eq08` selects all its
            readings.
        jobs: worker processes; the report is the same for any number.
        seed: of the generated networks and of the searches.
        budget: evaluations of the search for a counterexample to each claim that is neither proved
            nor refuted, on the battery; 0 searches none.
        proofs_by_boxes: whether claims that have one shape parameter are proved for all samples of
            a small size, on the battery.
        progress: called with the number of trials done, their total, and what was done.

    Raises:
        UnknownClaimError: an id that no claim has.
        InputError: an instance that none of the claims named speaks of, or the reverse.
    """
    chosen = _with_sources(catalogue.select(claims))
    record = catalogue.recorded()  # a record that does not fit fails before the work
    given, chosen = matched(instances, chosen, all_claims=claims is None)
    tracing.vet(chosen)
    trials = list(trials_of(given, chosen, seed))
    if instances is None:
        trials += _kept(chosen)
    proofs = prove(chosen)
    proved = frozenset(name for name, holds in proofs.items() if holds)
    started = perf_counter()
    found: list[tuple[tuple[Row, ...], float] | None] = [None] * len(trials)
    for done, (place, rows, seconds) in enumerate(_run(trials, proved, jobs), start=1):
        found[place] = rows, seconds
        if progress is not None:
            progress(done, len(trials), trials[place].instance.name)
    rows_of: dict[str, list[Row]] = {claim.id: [] for claim in chosen}
    by_id = {claim.id: claim for claim in chosen}
    timings: dict[str, float] = {}
    for trial, entry in zip(trials, found, strict=True):
        assert entry is not None  # _run yields every trial once
        timings[trial.instance.name] = entry[1]
        for row in entry[0]:
            rows_of[row.claim].append(sound_row(row, by_id[row.claim]))
    files = {trial.instance.name: trial.instance.to_json() for trial in trials}
    inputs = [_input(trial) for trial in trials]
    outcomes = _outcomes(chosen, rows_of, proofs, files)
    searches: list[Refutation | NotFound] = []
    if instances is None and budget:
        open_ids = [entry.claim.id for entry in outcomes if is_open(entry)]
        for search in _search(open_ids, budget, seed, jobs, progress):
            searches.append(search)
            if isinstance(search, Refutation):
                inputs.append(_enter(search, by_id[search.claim], rows_of, files))
        outcomes = _outcomes(chosen, rows_of, proofs, files)
    shapes: list[ShapeProof] = []
    sharp: list[SharpConstant] = []
    if instances is None and proofs_by_boxes:
        shapes = [proof for proof in prove_shapes() if proof.claim in by_id]
        sharp = [found for found in sharpest_constants() if found.claim in by_id]
    timings["total"] = perf_counter() - started
    samples = [instance for instance in given if isinstance(instance, Instance)]
    return Report(
        claims=tuple(outcomes),
        rows=tuple(row for claim in chosen for row in rows_of[claim.id]),
        inputs=tuple(inputs),
        versions=library_versions(),
        expected=record,
        battery=instances is None,
        tables=appendix.tables(
            outcomes,
            samples,
            searches,
            battery=instances is None,
            shapes=shapes,
            sharp=sharp,
        ),
        box_proofs=tuple(proof.document() for proof in shapes),
        pictures=pictures.pictures(
            samples,
            battery=instances is None,
            points=[one for one in given if isinstance(one, CurvePoint)],
        ),
        timings=timings,
    )


def matched(
    instances: Sequence[AnyInstance] | None, claims: Sequence[Claim], *, all_claims: bool
) -> tuple[list[AnyInstance], list[Claim]]:
    """The instances to be tried and the claims to be tried on them, each fitting to some other.

    Args:
        instances: as given; None for the bundled battery, of which only what fits is left.
        claims: as chosen.
        all_claims: whether they are all claims, of which only those that fit are left, rather than
            claims named one by one, which must fit.

    Raises:
        InputError: an instance that no claim speaks of, or a claim named that speaks of none.
    """
    kinds = {claim.instance_kind for claim in claims}
    if instances is None:
        bundled: list[AnyInstance] = [*battery(), *bundled_points()]
        return [instance for instance in bundled if instance.kind in kinds], list(claims)
    given = _with_unique_names(instances)
    found = {instance.kind for instance in given}
    if all_claims:
        return given, [claim for claim in claims if claim.instance_kind in found]
    for claim in claims:
        if given and claim.instance_kind not in found:
            wanted = KINDS[claim.instance_kind]
            rule = f"it speaks of {wanted}, and no instance is one"
            way_out = f"give {wanted}, or leave this claim out"
            raise InputError("claims", claim.id, rule, way_out)
    for instance in given:
        if instance.kind not in kinds:
            rule = f"it is {KINDS[instance.kind]}, and none of the claims named speaks of one"
            way_out = "name other claims, or leave this instance out"
            raise InputError("instances", instance.name, rule, way_out)
    return given, list(claims)


def _with_unique_names(instances: Sequence[AnyInstance]) -> list[AnyInstance]:
    """The instances, later ones of the same name numbered: rows refer to instances by name."""
    seen: Counter[str] = Counter()
    taken = {instance.name for instance in instances}
    named: list[AnyInstance] = []
    for instance in instances:
        seen[instance.name] += 1
        name, number = instance.name, seen[instance.name]
        while number > 1 and (name == instance.name or name in taken):
            name = f"{instance.name} ({number})"
            number += 1
        taken.add(name)
        named.append(instance if name == instance.name else replace(instance, name=name))
    return named


def _with_sources(claims: Sequence[Claim]) -> list[Claim]:
    """The claims, and those that informal ones among them are read off."""
    sources = [claim.conclusion.claim for claim in claims if isinstance(claim.conclusion, ReadOff)]
    chosen = {claim.id: claim for claim in (*claims, *catalogue.select(sources or ()))}
    return [chosen[name] for name in sorted(chosen)]


def prove(claims: Sequence[Claim]) -> dict[str, bool]:
    """Which claims their derivations prove: True, False where a derivation failed.

    Claims without a derivation, or whose derivation does not list them, have no entry.
    """
    names = sorted({claim.derivation for claim in claims if claim.derivation is not None})
    proved: dict[str, tuple[str, ...] | None] = {}
    for name in names:
        try:
            found = derivation.run(name)
            proved[name] = (*found.proves, *found.proves_steps)
        except DerivationError:
            proved[name] = None
    result = {}
    for claim in claims:
        if claim.derivation is None:
            continue
        listed = proved[claim.derivation]
        if listed is None or claim.id in listed:
            result[claim.id] = listed is not None
    return result


def trials_of(
    instances: Sequence[AnyInstance], claims: Sequence[Claim], seed: int
) -> Iterator[Trial]:
    """The instances tried, and the claims tried on each: the one place that brings them together.

    A claim is tried on instances of its kind. A sample without a network stands for itself and for
    a seeded family of networks on it.

    Args:
        instances: as given.
        claims: all that are checked; each is tried where it has something to say.
        seed: of the generated networks.
    """
    direct = [
        claim
        for claim in claims
        if not isinstance(claim.conclusion, ReadOff) and not claim.undecidable
    ]
    for instance in instances:
        about = [claim for claim in direct if claim.instance_kind == instance.kind]
        if isinstance(instance, Instance):
            yield from _trials_of_sample(instance, about, seed)
        else:
            yield Trial(instance, tuple(claim.id for claim in about))


def _trials_of_sample(sample: Instance, claims: Sequence[Claim], seed: int) -> Iterator[Trial]:
    about_networks = tuple(c.id for c in claims if c.subject in {"network", "minimum"})
    if sample.network is not None or not about_networks:
        yield Trial(sample, tuple(claim.id for claim in claims))
        return
    networks = networks_for(sample, seed)
    notes = sample.notes if networks else (*sample.notes, NO_NETWORKS)
    about_samples = tuple(claim.id for claim in claims if claim.id not in about_networks)
    yield Trial(replace(sample, notes=notes), about_samples)
    for label, network in networks:
        named = replace(sample, name=f"{sample.name}[{label}]", network=network)
        yield Trial(named, about_networks, f"{label}, seed {seed}")


def _run(
    trials: Sequence[Trial], proved: frozenset[str], jobs: int
) -> Iterator[tuple[int, tuple[Row, ...], float]]:
    """Rows of every trial, in the order in which they finish."""
    if jobs <= 1:
        for place, trial in enumerate(trials):
            yield place, *run_trial(trial, proved)
        return
    context = multiprocessing.get_context("spawn")
    # Large samples first, so that none is left alone at the end.
    order = sorted(range(len(trials)), key=lambda place: -trials[place].instance.size)
    with ProcessPoolExecutor(max_workers=jobs, mp_context=context) as pool:
        pending: dict[Future[tuple[tuple[Row, ...], float]], int] = {
            pool.submit(run_trial, trials[place], proved): place for place in order
        }
        while pending:
            ready, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in ready:
                yield pending.pop(future), *future.result()


def _kept(claims: Sequence[Claim]) -> list[Trial]:
    """Counterexamples that were found before, each for its own claim."""
    chosen = {claim.id for claim in claims}
    return [
        Trial(instance, (name,)) for name, instance in witnesses.kept().items() if name in chosen
    ]


def is_open(outcome: ClaimOutcome) -> bool:
    """Whether a counterexample is worth searching for.

    Of another content's claims it is so even where they are proved: a derivation can prove
    something else than the claims that it lists, and nothing but an instance would show it.
    """
    claim = outcome.claim
    is_ours = content.chosen() is None
    is_decided = outcome.verdict == "REFUTED" or (is_ours and outcome.verdict == "PROVED")
    if claim.instance_kind != "sample":
        return False  # only samples are searched
    return not (is_decided or claim.undecidable or isinstance(claim.conclusion, ReadOff))


def _search(
    ids: Sequence[str], budget: int, seed: int, jobs: int, progress: Progress | None
) -> Iterator[Refutation | NotFound]:
    """Results of the searches, in the order of the ids whatever finishes first."""
    tasks = [(name, budget, seed) for name in ids]
    with _mapping(jobs) as apply:
        for done, result in enumerate(apply(run_search, tasks), start=1):
            if progress is not None:
                progress(done, len(tasks), f"counterexample to {result.claim}?")
            yield result


@contextlib.contextmanager
def _mapping(jobs: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """`map`, in this process or in worker processes."""
    if jobs <= 1:
        yield map
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=jobs, mp_context=context) as pool:
        yield pool.map


def run_search(task: tuple[str, int, int]) -> Refutation | NotFound:
    """Search for a counterexample to one claim, given as id, budget and seed."""
    name, budget, seed = task
    (claim,) = catalogue.select([name])
    return refute(claim, budget=budget, seed=seed)


def _enter(
    search: Refutation,
    claim: Claim,
    rows_of: dict[str, list[Row]],
    files: dict[str, dict[str, Any]],
) -> Input:
    """Enter a counterexample among the rows and instance files, decided once more."""
    instance = instance_from_json(search.instance, name=f"found-{claim.id}")
    row = sound_row(Session(instance).decide(claim), claim)
    rows_of[claim.id].append(row)
    files[instance.name] = instance.to_json()
    return _input(Trial(instance, (claim.id,), f"search, seed {search.seed}"))


def run_trial(trial: Trial, proved: frozenset[str]) -> tuple[tuple[Row, ...], float]:
    """Rows of one trial, and the seconds they took."""
    started = perf_counter()
    known = {claim.id: claim for claim in catalogue.claims()}
    session = Session(trial.instance, proved)
    rows = tuple(session.decide(known[name]) for name in trial.claims)
    return rows, perf_counter() - started


def _outcomes(
    claims: Sequence[Claim],
    rows_of: dict[str, list[Row]],
    proofs: Mapping[str, bool],
    files: Mapping[str, Mapping[str, Any]],
) -> list[ClaimOutcome]:
    outcomes: dict[str, ClaimOutcome] = {}
    for claim in claims:
        if not isinstance(claim.conclusion, ReadOff):
            outcomes[claim.id] = decide_verdict(
                claim, rows_of[claim.id], proofs.get(claim.id), files
            )
    for claim in claims:
        if not isinstance(claim.conclusion, ReadOff):
            continue
        source = claim.conclusion.claim
        if source in outcomes:
            outcome, rows = read_off(claim, outcomes[source], rows_of[source])
        else:
            outcome, rows = decide_verdict(claim, [], None, files), ()
        outcomes[claim.id], rows_of[claim.id] = outcome, list(rows)
    return [outcomes[claim.id] for claim in claims]


def _input(trial: Trial) -> Input:
    instance = trial.instance
    return Input.of(
        instance.to_json(),
        name=instance.name,
        size=instance.size,
        merged=instance.merged,
        notes=instance.notes,
        generated=trial.generated,
    )
