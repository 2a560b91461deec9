"""Theorem 8 held against minima and runs, where it speaks and where it does not.

Five sections, each of parts that are kept when they are finished (`dsmverify.experiments.parts`):

1. `largest bound`: how large the theorem's bound on the excess risk can be anywhere in its regime
   (`dsmverify.experiments.largest_bound`).
2. `regime`: equispaced, widely spaced samples with `sigma <= sigma_0`, and rates above the
   threshold. Wide spacing makes both reachable: sigma_0 is then 1/n, and the threshold, of order
   `sigma^2/(n^2 Delta)`, falls below the rate `~ n sigma^4` at which a neuron that follows the
   score at one end of the data is still stable. Proved minima of that kind meet every hypothesis;
   runs start from them and from random parameters.
3. `minima`: proved minima of small networks on ordinary samples, at rates just below and above what
   the second moments of linearised SGD allow.
4. `runs`: wide networks at the end of SGD and after polishing.
5. `eq. 8`: a search for linearly stable minima that break it, in each reading of the batch
   (`dsmverify.experiments.stable_minima`).

Every record has every claim about networks and minima, evaluated with certified numbers on exact
parameters. An end point is not a minimum by being an end point: where no minimum is proved next to
it, claims about minima are not applicable, and the record gives the gradient. A network with inner
weights other than +-1 is rewritten first, `w1 relu(y + b/w1) = |w1| relu(+-y + b/|w1|)`: the same
function in the theory's class, whose Hessian is that of the theory's parameters.

Scales are safe in float64: outer weights are of order `m/sigma^2`, distances `mu L/sigma` at most
1e7 here, their squares times weights far from overflow; what is claimed is certified in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from dsmverify.batch_hessians import batch_hessian
from dsmverify.certify import precision
from dsmverify.ensembles import checkpoints
from dsmverify.ensembles import polish as polishing
from dsmverify.ensembles.mean_square_operator import MeanSquareOperator
from dsmverify.ensembles.measures import Sides, measure
from dsmverify.ensembles.minima_search import (
    Found,
    Start,
    end_of_run,
    float_network,
    float_sample,
    search_minima,
)
from dsmverify.ensembles.settings import Ensemble, Model, Networks, Problem
from dsmverify.ensembles.training import train
from dsmverify.errors import InputError
from dsmverify.exact import spell
from dsmverify.experiments import page, stable_minima
from dsmverify.experiments.configurations import Document, build
from dsmverify.experiments.groups import WORK, Progress, seed_of
from dsmverify.experiments.largest_bound import ceilings
from dsmverify.experiments.parts import Parts
from dsmverify.experiments.stable_minima import StableMinimum
from dsmverify.experiments.theorem_records import (
    Record,
    about_networks,
    judge,
    recorded_verdicts,
    sample_conditions,
    short,
)
from dsmverify.experiments.theorem_report import (
    DrawingRow,
    PolishRow,
    RegimeRun,
    RegimeSample,
    Rows,
    SearchRow,
    StableRow,
    Summary,
    write,
)
from dsmverify.experiments.theorem_settings import (
    SampleSettings,
    Theorem,
    WideRun,
    page_points,
)
from dsmverify.facts import Facts
from dsmverify.instance import Batch, Instance, NetworkData
from dsmverify.integrals import Accuracy
from dsmverify.mean_square import largest_stable_rate
from dsmverify.systems.balls import ball
from dsmverify.systems.float64 import SYSTEM

BITS = 128
"""Working precision for the constants of a sample: far more than the digits shown."""

ONE = Batch(1, "sum", True)
"""A batch of one: its sum is its mean, so that both readings of stability are one."""

ROUNDING = 1e-9
"""A spectral radius above 1 by no more than this says nothing: dead neurons have exactly 1, and the
operator's thousands of entries carry relative errors of about 1e-13 each."""

FLATTEST = 3
"""Minima of each width, the flattest, that are held against the theorem in its regime."""


def run(
    configuration: Document,
    *,
    out: Path,
    quick: bool = False,
    threads: int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Summary:
    """Find minima, train, polish, and hold everything against the claims; write the report.

    Args:
        configuration: of the kind `theorem`.
        out: folder of the results: `theorem.json`, `theorem.md`, `theorem.csv`; with `quick` the
            names start with `quick_`.
        quick: the smaller version.
        threads: of the CPU paths; None takes every core this process may use.
        device: torch's name of a device.
        progress: told how many parts are done, and which one is at work.

    Raises:
        InputError: a bad configuration, or a folder that cannot be written.
        MissingExtraError: the training path's library is not installed.
    """
    settings = build(Theorem, configuration.table, configuration.source)
    settings = settings.shortened() if quick else settings
    job = _Job(settings, out, threads, device)
    tasks = list(job.tasks())
    for done, (name, task) in enumerate(tasks):
        if progress:
            progress(done, len(tasks), name)
        task()
    if progress:
        progress(len(tasks), len(tasks), "done")
    rows = job.rows
    summary = Summary(
        ceilings=ceilings(),
        samples=tuple(rows.samples),
        records=tuple(rows.records),
        regime_runs=tuple(rows.runs),
        searches=tuple(rows.searches),
        polished=tuple(rows.polished),
        stable=tuple(rows.stable),
        drawings=tuple(rows.drawings),
    )
    return replace(summary, files=write(summary, out, quick=quick))


# The work ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Flattest:
    """The flattest proved minimum of a sample, where a run in the regime starts."""

    network: NetworkData
    start: str
    sharpness: float


class _Job:
    """The parts of the experiment, each taken from the disk where it is finished."""

    def __init__(self, settings: Theorem, out: Path, threads: int | None, device: str) -> None:
        self.settings, self.out = settings, out
        self.threads, self.device = threads, device
        self.claims, self.verdicts = about_networks(), recorded_verdicts()
        self.known: dict[Any, Any] = {}
        self.rows = self.part = Rows()
        self.flattest: dict[str, _Flattest] = {}
        decides = {"seed": settings.seed, "batch": settings.batch.to_json(), "device": device}
        self.parts = Parts(out / WORK, "theorem", decides)

    def tasks(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Every part, by name, in the order of the report."""
        settings = self.settings
        starts = settings.random_starts
        yield (
            "eq. 8 at stable minima",
            partial(self.kept, ["eq. 8", asdict(settings.stable_minima)], self.equation_8),
        )
        for one in settings.regime:
            yield f"{one.name}: threshold", partial(self.regime_sample, one)
            for width in one.widths:
                yield f"{one.name}, m = {width}", partial(self.regime_minima, one, width)
            yield f"{one.name}: runs", partial(self.regime_runs, one)
        ends = [starts, settings.sgd_starts, settings.sgd_steps]
        for one in settings.minima:
            for width in one.widths:
                key = ["minima", asdict(replace(one, widths=(width,))), *ends]
                task = partial(self.minima, one, width)
                yield f"{one.name}, m = {width}", partial(self.kept, key, task)
        for wide in settings.wide:
            key = ["wide", asdict(wide), settings.wide_width, settings.products]
            end, polished = partial(self.wide_end, wide), partial(self.wide_polished, wide)
            yield f"{wide.name}: end of the run", partial(self.kept, [*key, "end"], end)
            budget = settings.polish_budget
            yield f"{wide.name}: polished", partial(self.kept, [*key, budget], polished)

    def kept(self, key: Any, work: Callable[[], None]) -> None:
        """Rows of a part: `work` fills `self.part` where they are not on the disk."""

        def document() -> dict[str, Any]:
            self.part = Rows()
            work()
            return self.part.document()

        self.rows.extend(Rows.of(self.parts.result(key, document)))

    def record(self, instance: Instance, part: str, network: str, did: str, **notes: Any) -> Record:
        found = judge(
            instance,
            part=part,
            sample=instance.name,
            network=network,
            did=did,
            claims=self.claims,
            verdicts=self.verdicts,
            known=self.known,
            **notes,
        )
        self.part.records.append(found)
        return found

    # Eq. 8.

    def equation_8(self) -> None:
        plan = self.settings.stable_minima
        seed = seed_of(self.settings.seed, "eq. 8") % 10**6
        found = stable_minima.search(
            seed=seed, samples=plan.samples, widths=plan.widths, starts=plan.starts
        )
        for (reading, drawing), count in found.broken.items():
            self.part.drawings.append(DrawingRow(reading, drawing, found.minima, count))
        # One record for each way to draw a batch, in the same order.
        for (_, drawing), one in zip(found.broken, found.records, strict=True):
            self.part.stable.append(_stable_row(one, drawing))
            did = "no run: found by the search for minima that break eq. 8"
            self.record(one.instance, "eq. 8", "proved minimum", did)

    # Inside the regime.

    def regime_sample(self, one: SampleSettings) -> None:
        rate = _rational(one.factors[0] * _threshold(one.instance))
        found = _regime_sample(replace(one.instance, learning_rate=rate))
        self.rows.samples.append(found)

    def regime_minima(self, one: SampleSettings, width: int) -> None:
        key = ["regime", asdict(replace(one, widths=(width,))), self.settings.random_starts]
        flattest: list[_Flattest] = []

        def document() -> dict[str, Any]:
            self.part = Rows()
            flattest.extend(self._regime_minima(one, width))
            return self.part.document() | {"flattest": [_flattest_text(f) for f in flattest]}

        kept = self.parts.result(key, document)
        self.rows.extend(Rows.of(kept))
        for text in kept["flattest"]:
            found = _flattest(text)
            before = self.flattest.get(one.name)
            if before is None or found.sharpness < before.sharpness:
                self.flattest[one.name] = found

    def _regime_minima(self, one: SampleSettings, width: int) -> Iterator[_Flattest]:
        """Records of the flattest minima; yields the flattest of all, if there is one."""
        instance, batch = one.instance, self.settings.batch
        threshold = _threshold(instance)
        rates = [_rational(factor * threshold) for factor in one.factors]
        found = self._search("regime", instance, width, ())
        # What the theorem is about is minima that survive a large rate: the flattest.
        chosen = sorted(found, key=lambda entry: entry.lambda_max)[:FLATTEST]
        for minimum in chosen:
            for rate, drawn in product(rates, (batch, ONE)):
                held = replace(minimum.instance, learning_rate=rate, batch=drawn)
                self.record(held, "regime", f"proved minimum ({minimum.start})", _found(minimum))
        for minimum in chosen[:1]:
            data = minimum.instance.network
            assert data is not None  # a minimum has one
            yield _Flattest(data, minimum.start, width * minimum.lambda_max)

    def regime_runs(self, one: SampleSettings) -> None:
        flattest = self.flattest.get(one.name)
        start = None if flattest is None else _flattest_text(flattest)
        key = ["regime runs", asdict(one), asdict(self.settings.regime_runs), start]
        self.kept(key, partial(self._regime_runs, one, flattest))

    def _regime_runs(self, one: SampleSettings, flattest: _Flattest | None) -> None:
        instance = one.instance
        threshold = _threshold(instance)
        plan, problem = self.settings.regime_runs, _problem(instance)
        reach = float(one.mu * (instance.points[-1] - instance.points[0]))
        # Kinks all over the data: with deviation 1 they would all lie at the first point.
        model = Model(
            width=plan.width, inner="signs", train_inner=False, bias_deviation=max(reach, 1.0)
        )
        for factor in plan.factors:
            rate = _rational(factor * threshold)
            for number in range(plan.seeds):
                seed = seed_of(self.settings.seed, "regime", one.name, factor, number)
                ensemble = self._ensemble(model, problem, rate, seed, plan.steps)
                networks = train(
                    ensemble, dtype=np.float64, device=self.device, threads=self.threads
                )
                self._regime_run(instance, ensemble, networks, "random", factor, number)
            if flattest is None:
                continue
            data = flattest.network
            small = Model(width=data.width, inner="signs", train_inner=False)
            seed = seed_of(self.settings.seed, "regime from minimum", one.name, factor)
            ensemble = self._ensemble(small, problem, rate, seed, plan.steps)
            began = _start_at(ensemble, data)
            networks = train(
                ensemble,
                start=began,
                dtype=np.float64,
                device=self.device,
                threads=self.threads,
            )
            start = f"at the proved minimum ({flattest.start})"
            self._regime_run(instance, ensemble, networks, start, factor, 0, began)

    def _regime_run(
        self,
        instance: Instance,
        ensemble: Ensemble,
        networks: Networks,
        start: str,
        factor: Fraction,
        number: int,
        began: Networks | None = None,
    ) -> None:
        did, risk = _did(ensemble, networks, began)
        rate = _rational(Fraction(float(ensemble.learning_rates[0])))
        outcome = "not applicable: the run diverged, there is no end point"
        if networks.diverged[0] < 0:
            held = replace(
                instance,
                network=_data(networks),
                learning_rate=rate,
                batch=self.settings.batch,
            )
            outcome = self.record(
                held, "regime run", f"end of a run, start {start}", did
            ).outcome_mean
        self.part.runs.append(
            RegimeRun(
                instance.name,
                start,
                ensemble.model.width,
                f"{float(rate):.4g}",
                f"{float(factor):.4g}",
                number,
                did,
                risk,
                outcome,
            )
        )

    # Small networks.

    def minima(self, one: SampleSettings, width: int) -> None:
        instance = one.instance
        ends, runs = self._short_runs(one, instance, width)
        for minimum in self._search("minima", instance, width, ends):
            for batch in (self.settings.batch, ONE):
                limit = _mean_square_limit(minimum.instance, batch)
                for factor in one.factors:
                    rate = _rational(factor * Fraction(limit)) if limit > 0 else Fraction(1)
                    held = replace(minimum.instance, learning_rate=rate, batch=batch)
                    name = f"proved minimum ({minimum.start})"
                    did = f"{_found(minimum)}; {float(factor):g} x the mean-square limit"
                    self.record(held, "minima", name, did)
        for held, did in runs:
            self.record(held, "minima run", "end of a run", did)

    def _short_runs(
        self, one: SampleSettings, instance: Instance, width: int
    ) -> tuple[list[Start], list[tuple[Instance, str]]]:
        """Ends of short runs, as starts and as instances of their own."""
        model = Model(width=width, inner="signs", train_inner=False, bias_deviation=1.0)
        # Of the order of the largest rate at which the best fits of the data are stable.
        rate = _rational(2 * one.sigma**4)
        starts, held = [], []
        for number in range(self.settings.sgd_starts):
            seed = seed_of(self.settings.seed, "short", one.name, width, number)
            ensemble = self._ensemble(
                model, _problem(instance), rate, seed, self.settings.sgd_steps
            )
            networks = train(ensemble, dtype=np.float64, device=self.device, threads=self.threads)
            if networks.diverged[0] >= 0:
                continue
            starts.append(end_of_run(f"end of run {number}", networks, 0))
            data = _data(networks)
            end = replace(instance, network=data, learning_rate=rate, batch=self.settings.batch)
            held.append((end, _did(ensemble, networks)[0]))
        return starts, held

    def _search(
        self, part: str, instance: Instance, width: int, ends: Sequence[Start]
    ) -> tuple[Found, ...]:
        # Short: it is shown in the names of starts.
        seed = seed_of(self.settings.seed, "minima", instance.name, width) % 10**6
        search = search_minima(
            instance,
            width,
            seeds=[seed],
            random_starts=self.settings.random_starts,
            ends=ends,
        )
        row = SearchRow(part, instance.name, width, len(search.found), search.counts())
        self.part.searches.append(row)
        return search.found

    # Wide networks.

    def wide_end(self, one: WideRun) -> None:
        ensemble, networks = self._wide(one)
        did, _ = _did(ensemble, networks)
        if networks.diverged[0] >= 0:
            return
        self._wide_record(one, networks, "end of a run", did)

    def wide_polished(self, one: WideRun) -> None:
        ensemble, networks = self._wide(one)
        if networks.diverged[0] >= 0:
            return
        model = ensemble.model
        found = polishing.polish(
            ensemble.problems[0],
            model,
            networks,
            0,
            rate=float(one.rate),
            batch=self.settings.batch,
            budget=self.settings.polish_budget,
        )
        self.part.polished.append(
            PolishRow(
                one.name,
                model.width,
                str(one.rate),
                found.evaluations,
                found.stopped,
                vars(found.before),
                vars(found.after),
                found.flat_directions,
                found.distance,
                found.function_distance,
                found.stability_product,
                found.equation_8_product,
                found.judgement,
            )
        )
        did, _ = _did(ensemble, networks)
        judgement = [found.judgement]
        self._wide_record(one, found.networks, "polished end of a run", did, judgement)

    def _wide(self, one: WideRun) -> tuple[Ensemble, Networks]:
        """A trained wide network, or the one that is kept."""
        problem = Problem(page_points(), float(one.mu), float(one.sigma))
        width = self.settings.wide_width
        model = (
            Model(width=width, inner="signs", train_inner=False, bias_deviation=1.0)
            if one.inner == "signs"
            else Model(width=width)
        )
        seed = seed_of(self.settings.seed, "wide", one.name)
        ensemble = self._ensemble(model, problem, one.rate, seed, one.steps)
        content = checkpoints.digest(ensemble, np.float32, self.device)
        networks = train(
            ensemble,
            device=self.device,
            threads=self.threads,
            checkpoint=self.out / WORK / f"theorem-{content[:16]}.npz",
        )
        return ensemble, networks

    def _wide_record(
        self,
        one: WideRun,
        networks: Networks,
        name: str,
        did: str,
        judgement: Sequence[str] = (),
    ) -> None:
        points, printed = page_points(), len(page.training_points().best)
        instance = Instance.from_numpy(
            points,
            mu=float(one.mu),
            sigma=float(one.sigma),
            name=f"page's {len(points)} distinct points, {one.name}",
        )
        held = replace(
            instance,
            network=_data(networks),
            learning_rate=one.rate,
            batch=self.settings.batch,
        )
        notes = [
            f"the page has {printed} training points, of which {len(points)} are distinct: run and "
            "record are about these",
            *_second_moments(held, self.settings.products),
            *judgement,
        ]
        if one.inner != "signs":
            notes.append(
                "rewritten with inner weights +-1: the same function; rate, gradient, sharpness "
                "and stability are of the theory's parameters, not of this run's"
            )
        self.record(held, "runs", name, did, notes=notes)

    def _ensemble(
        self, model: Model, problem: Problem, rate: Fraction, seed: int, steps: int
    ) -> Ensemble:
        return Ensemble.of(model, self.settings.batch, [problem], [float(rate)], [seed], [steps])


def _threshold(instance: Instance) -> Fraction:
    """Theorem 8's threshold for the rate, rounded up to a double."""
    with precision(BITS):
        facts = Facts(instance, Accuracy(30))
        return Fraction(float(np.nextafter(float(facts.learning_rate_threshold.mid()), np.inf)))


def _regime_sample(instance: Instance) -> RegimeSample:
    with precision(BITS):
        facts = Facts(instance, Accuracy(30))
        sample = facts.sample
        return RegimeSample(
            instance.name,
            instance.size,
            short(sample.mu * facts.spacing / sample.sigma),
            short(facts.sigma_0),
            short(facts.learning_rate_threshold),
            short(2 * ball(instance.noise.sigma) ** 4),  # type: ignore[arg-type]
            sample_conditions(facts),
        )


def _mean_square_limit(instance: Instance, batch: Batch) -> float:
    """Largest eta that is stable in mean square, float64; 0 if none is."""
    data = instance.network
    assert data is not None  # of a proved minimum
    sample = float_sample(instance)
    network = float_network(sample, *(_floats(part) for part in _groups(data)))
    return largest_stable_rate(batch_hessian(SYSTEM, sample, network, batch)) / data.width


def _second_moments(instance: Instance, products: int) -> Iterator[str]:
    """What a few products of the second-moment operator say of a wide network."""
    if not products:
        return
    data, batch, rate = instance.network, instance.batch, instance.learning_rate
    assert data is not None and batch is not None and rate is not None
    sample = float_sample(instance)
    network = float_network(sample, *(_floats(part) for part in _groups(data)))
    operator = MeanSquareOperator(sample, network, batch, float(data.width * rate))
    found = operator.spectral_radius(products)
    says = "grow" if found.value > 1 + ROUNDING else "are not seen to grow"
    yield (
        f"second moments of linearised SGD {says}: spectral radius at least {found.value:.6g} "
        f"(float64, {found.products} products)"
    )


def _start_at(ensemble: Ensemble, data: NetworkData) -> Networks:
    networks = ensemble.start()
    inner, bias, outer = (_floats(part) for part in _groups(data))
    networks.inner[0, :, 0], networks.bias[0], networks.outer[0, :, 0] = inner, bias, outer
    return networks


def _did(ensemble: Ensemble, networks: Networks, began: Networks | None = None) -> tuple[str, str]:
    """What a run did, and `R_n sigma^2` at its end."""
    steps, diverged = int(ensemble.steps[0]), int(networks.diverged[0])
    if diverged >= 0:
        return f"diverged at step {diverged} of {steps}", ""
    problem, model = ensemble.problems[0], ensemble.model
    first = measure(problem, model, ensemble.start() if began is None else began, 0)
    last = measure(problem, model, networks, 0)
    variance = problem.sigma**2
    risk = f"{last.risk * variance:.4g}"
    return (
        f"{steps} steps; R_n sigma^2 from {first.risk * variance:.4g} to {risk}; {last.dead} of "
        f"{model.width} neurons dead; sides without a kink: {_named(last.unbent)}, silent: "
        f"{_named(last.silent)}",
        risk,
    )


def _named(sides: Sides[bool]) -> str:
    """Which of the three parts of the line."""
    return ", ".join(name for name, holds in vars(sides).items() if holds) or "none"


def _data(networks: Networks) -> NetworkData:
    """Network 0, exact, rewritten with inner weights +-1: the same function.

    Raises:
        InputError: an inner weight is 0: such a neuron has no kink, and the class has none of it.
    """
    inner = [Fraction(float(x)) for x in networks.inner[0, :, 0]]
    bias = [Fraction(float(x)) for x in networks.bias[0]]
    outer = [Fraction(float(x)) for x in networks.outer[0, :, 0]]
    signs = []
    for place, weight in enumerate(inner):
        if weight == 0:
            raise InputError(
                f"inner[{place}]",
                "0",
                "a neuron without a kink is not in the class",
                "leave it out",
            )
        size = abs(weight)
        signs.append(weight / size)
        bias[place], outer[place] = bias[place] / size, outer[place] * size
    return NetworkData(tuple(signs), tuple(bias), tuple(outer))


def _problem(instance: Instance) -> Problem:
    noise = instance.noise
    assert noise.mu is not None and noise.sigma is not None  # both are configured
    return Problem(
        np.array([float(x) for x in instance.points]), float(noise.mu), float(noise.sigma)
    )


def _groups(data: NetworkData) -> tuple[tuple[Fraction, ...], ...]:
    return data.inner_weights, data.biases, data.outer_weights


def _floats(values: Sequence[Fraction]) -> Any:
    return np.array([float(value) for value in values])


def _rational(value: Fraction) -> Fraction:
    """The double next to a rate: what the run uses is what is certified."""
    return Fraction(float(value))


def _flattest_text(found: _Flattest) -> dict[str, Any]:
    return vars(found) | {"network": found.network.to_json()}


def _flattest(text: dict[str, Any]) -> _Flattest:
    return _Flattest(**(text | {"network": NetworkData.from_mapping(text["network"])}))


def _stable_row(one: StableMinimum, drawing: str) -> StableRow:
    instance = one.instance
    data, batch, rate = instance.network, instance.batch, instance.learning_rate
    assert data is not None and batch is not None and rate is not None  # `examine` gives them
    with precision(BITS):
        over = short(one.sharpness / one.ceiling)
    return StableRow(
        batch.reduction,
        drawing,
        instance.name,
        instance.size,
        data.width,
        f"{batch.size}, {'with' if batch.replacement else 'without'} replacement",
        spell(rate),
        short(one.sharpness),
        short(one.ceiling),
        over,
        f"{one.excess:.4g}",
        f"{one.stability.truth.value}: {one.stability.reason}",
        one.eq08.value,
        instance.to_json(),
    )


def _found(minimum: Found) -> str:
    return f"no run: found from {minimum.hits} of the starts"
