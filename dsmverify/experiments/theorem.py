"""Theorem 8 held against minima and runs, where it speaks and where it does not.

Four parts:

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
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from dsmverify.batch_hessians import batch_hessian
from dsmverify.certify import precision
from dsmverify.claims import Claim
from dsmverify.ensembles import polish as polishing
from dsmverify.ensembles.mean_square_operator import MeanSquareOperator
from dsmverify.ensembles.measures import measure
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
from dsmverify.errors import InputError, show
from dsmverify.experiments import page
from dsmverify.experiments.configurations import Document, build
from dsmverify.experiments.groups import WORK, Progress, seed_of
from dsmverify.experiments.largest_bound import ceilings
from dsmverify.experiments.theorem_records import (
    Record,
    about_networks,
    judge,
    recorded_verdicts,
    sample_conditions,
    short,
)
from dsmverify.experiments.theorem_report import (
    PolishRow,
    RegimeRun,
    RegimeSample,
    SearchRow,
    Summary,
    write,
)
from dsmverify.facts import Facts
from dsmverify.instance import Batch, Instance, NetworkData, NoiseLevel
from dsmverify.integrals import Accuracy
from dsmverify.mean_square import largest_stable_rate
from dsmverify.systems.balls import ball
from dsmverify.systems.float64 import SYSTEM

BITS = 128
"""Working precision for the constants of a sample: far more than the digits shown."""

ONE = Batch(1, "sum", True)
"""A batch of one: its sum is its mean, so that both readings of stability are one."""

FLATTEST = 3
"""Minima of each width, the flattest, that are held against the theorem in its regime."""


@dataclass(frozen=True)
class SampleSettings:
    """A sample, its noise level, and what is done with it.

    Args:
        name: how tables call it.
        mu: signal factor.
        sigma: noise level.
        widths: m of the networks whose minima are sought.
        factors: rates, as multiples: of theorem 8's threshold in its regime, of the largest rate
            that is stable in mean square elsewhere.
        count: n of an equispaced sample from 0.
        spacing: its Delta.
        points: instead, the points themselves.
    """

    name: str
    mu: Fraction
    sigma: Fraction
    widths: tuple[int, ...]
    factors: tuple[Fraction, ...]
    count: int = 0
    spacing: Fraction = Fraction(1)
    points: tuple[Fraction, ...] = ()

    def __post_init__(self) -> None:
        """Check that there are points.

        Raises:
            InputError: neither points nor a count of at least 2.
        """
        if not self.points and self.count < 2:
            raise InputError(
                "count", show(self.count), "a sample has at least 2 points", "give count or points"
            )

    @property
    def instance(self) -> Instance:
        """The sample without a network."""
        points = self.points or tuple(self.spacing * place for place in range(self.count))
        return Instance(self.name, points, NoiseLevel(sigma=self.sigma, mu=self.mu))


@dataclass(frozen=True)
class RegimeRuns:
    """Runs inside the regime.

    Args:
        width: m of those from random parameters.
        steps: SGD steps of every run.
        factors: rates, as multiples of the threshold.
        seeds: how many runs of each.
    """

    width: int
    steps: int
    factors: tuple[Fraction, ...]
    seeds: int


@dataclass(frozen=True)
class WideRun:
    """One setting of wide networks on the page's training points.

    Args:
        name: how tables call it.
        mu: signal factor.
        sigma: noise level.
        rate: eta.
        steps: SGD steps.
        inner: `"signs"`, frozen, or `"gaussian"`, trained.
    """

    name: str
    mu: Fraction
    sigma: Fraction
    rate: Fraction
    steps: int
    inner: str = "signs"


@dataclass(frozen=True)
class Quick:
    """What `--quick` changes: widths at most, of small and wide networks, and how much is tried."""

    small_width: int
    wide_width: int
    random_starts: int
    samples: int
    wide_runs: int
    steps: int
    polish_budget: int


@dataclass(frozen=True)
class Theorem:
    """Configuration.

    Args:
        seed: of everything.
        random_starts: of each search for minima.
        batch: of runs and of stability.
        regime: samples inside the theorem's regime.
        regime_runs: runs there.
        minima: ordinary samples.
        sgd_starts: short runs whose ends are starts of the search, for each sample and width.
        sgd_steps: their steps.
        wide_width: m of wide networks.
        wide: their settings.
        polish_budget: evaluations for each.
        products: products of the second-moment operator spent on each wide network; 0 for none.
        quick: what `--quick` changes.
    """

    seed: int
    random_starts: int
    batch: Batch
    regime: tuple[SampleSettings, ...]
    regime_runs: RegimeRuns
    minima: tuple[SampleSettings, ...]
    sgd_starts: int
    sgd_steps: int
    wide_width: int
    wide: tuple[WideRun, ...]
    polish_budget: int
    products: int
    quick: Quick

    def shortened(self) -> Theorem:
        """The quick version."""
        q = self.quick

        def few(samples: Sequence[SampleSettings]) -> tuple[SampleSettings, ...]:
            return tuple(
                replace(one, widths=tuple(w for w in one.widths if w <= q.small_width))
                for one in samples[: q.samples]
            )

        return replace(
            self,
            random_starts=q.random_starts,
            regime=few(self.regime),
            regime_runs=replace(self.regime_runs, seeds=1, steps=q.steps),
            minima=few(self.minima),
            sgd_starts=min(self.sgd_starts, 1),
            wide_width=q.wide_width,
            wide=tuple(
                replace(one, steps=min(one.steps, q.steps)) for one in self.wide[: q.wide_runs]
            ),
            polish_budget=q.polish_budget,
        )


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
        progress: told how many tasks are done.

    Raises:
        InputError: a bad configuration, or a folder that cannot be written.
        MissingExtraError: the training path's library is not installed.
    """
    settings = build(Theorem, configuration.table, configuration.source)
    settings = settings.shortened() if quick else settings
    job = _Job(settings, out, threads, device, about_networks(), recorded_verdicts())
    tasks: list[tuple[str, Callable[[], None]]] = []
    for one in settings.regime:
        tasks.append((one.name, partial(job.regime, one)))
    for one in settings.minima:
        tasks.append((one.name, partial(job.minima, one)))
    for setting in settings.wide:
        tasks.append((setting.name, partial(job.wide, setting)))
    for done, (name, task) in enumerate(tasks):
        if progress:
            progress(done, len(tasks), name)
        task()
    if progress:
        progress(len(tasks), len(tasks), "done")
    summary = Summary(
        ceilings=ceilings(),
        samples=tuple(job.samples),
        records=tuple(job.records),
        regime_runs=tuple(job.runs),
        searches=tuple(job.searches),
        polished=tuple(job.polished),
    )
    return replace(summary, files=write(summary, out, quick=quick))


# The work ----------------------------------------------------------------------------------------


class _Job:
    """Collects rows and records, part by part."""

    def __init__(
        self,
        settings: Theorem,
        out: Path,
        threads: int | None,
        device: str,
        claims: Sequence[Claim],
        verdicts: dict[str, str],
    ) -> None:
        self.settings, self.out = settings, out
        self.threads, self.device = threads, device
        self.claims, self.verdicts = claims, verdicts
        self.known: dict[Any, Any] = {}
        self.samples: list[RegimeSample] = []
        self.records: list[Record] = []
        self.runs: list[RegimeRun] = []
        self.searches: list[SearchRow] = []
        self.polished: list[PolishRow] = []

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
        self.records.append(found)
        return found

    # Inside the regime.

    def regime(self, one: SampleSettings) -> None:
        instance, batch = one.instance, self.settings.batch
        threshold = _threshold(instance)
        rates = [_rational(factor * threshold) for factor in one.factors]
        self.samples.append(_regime_sample(replace(instance, learning_rate=rates[0])))
        flattest: Found | None = None
        for width in one.widths:
            found = self._search("regime", instance, width, ())
            # What the theorem is about is minima that survive a large rate: the flattest.
            for minimum in sorted(found, key=lambda entry: entry.lambda_max)[:FLATTEST]:
                if flattest is None or width * minimum.lambda_max < _sharpness(flattest):
                    flattest = minimum
                for rate, drawn in product(rates, (batch, ONE)):
                    held = replace(minimum.instance, learning_rate=rate, batch=drawn)
                    self.record(
                        held, "regime", f"proved minimum ({minimum.start})", _found(minimum)
                    )
        self._regime_runs(one, instance, threshold, flattest)

    def _regime_runs(
        self, one: SampleSettings, instance: Instance, threshold: Fraction, flattest: Found | None
    ) -> None:
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
            data = flattest.instance.network
            assert data is not None  # a minimum has one
            small = Model(width=data.width, inner="signs", train_inner=False)
            seed = seed_of(self.settings.seed, "regime from minimum", one.name, factor)
            ensemble = self._ensemble(small, problem, rate, seed, plan.steps)
            began = _start_at(ensemble, data)
            networks = began.copy()
            _advance(ensemble, networks, plan.steps)
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
        self.runs.append(
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

    def minima(self, one: SampleSettings) -> None:
        instance = one.instance
        for width in one.widths:
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
        self.searches.append(row)
        return search.found

    # Wide networks.

    def wide(self, one: WideRun) -> None:
        settings = self.settings
        points = np.unique(page.training_points().best)
        problem = Problem(points, float(one.mu), float(one.sigma))
        model = (
            Model(width=settings.wide_width, inner="signs", train_inner=False, bias_deviation=1.0)
            if one.inner == "signs"
            else Model(width=settings.wide_width)
        )
        seed = seed_of(settings.seed, "wide", one.name)
        ensemble = self._ensemble(model, problem, one.rate, seed, one.steps)
        file = f"theorem-{seed:016x}-{settings.wide_width}-{one.steps}.npz"
        networks = train(
            ensemble,
            device=self.device,
            threads=self.threads,
            checkpoint=self.out / WORK / file,
        )
        did, _ = _did(ensemble, networks)
        if networks.diverged[0] >= 0:
            return
        found = polishing.polish(
            problem,
            model,
            networks,
            0,
            rate=float(one.rate),
            batch=settings.batch,
            budget=settings.polish_budget,
        )
        self.polished.append(
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
                found.judgement,
            )
        )
        instance = Instance.from_numpy(
            points, mu=problem.mu, sigma=problem.sigma, name=f"page's points, {one.name}"
        )
        for end, name in ((networks, "end of a run"), (found.networks, "polished end of a run")):
            held = replace(
                instance,
                network=_data(end),
                learning_rate=one.rate,
                batch=settings.batch,
            )
            notes = [*_second_moments(held, settings.products)]
            if name.startswith("polished"):
                notes.append(found.judgement)
            if one.inner != "signs":
                notes.append("rewritten with inner weights +-1: the same function")
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
    says = "grow" if found.value > 1 else "are not seen to grow"
    yield (
        f"second moments of linearised SGD {says}: spectral radius at least {found.value:.6g} "
        f"(float64, {found.products} products)"
    )


def _start_at(ensemble: Ensemble, data: NetworkData) -> Networks:
    networks = ensemble.start()
    inner, bias, outer = (_floats(part) for part in _groups(data))
    networks.inner[0, :, 0], networks.bias[0], networks.outer[0, :, 0] = inner, bias, outer
    return networks


def _advance(ensemble: Ensemble, networks: Networks, last: int) -> None:
    from dsmverify.ensembles import sorted_batch

    sorted_batch.advance(ensemble, networks, last, threads=1)


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
        f"{model.width} neurons dead, silent side: {last.dead_side}",
        risk,
    )


def _data(networks: Networks) -> NetworkData:
    """Network 0, exact, rewritten with inner weights +-1; neurons without a kink are left in place.

    A neuron with inner weight 0 is constant: it becomes a dead one, and its constant is lost only
    if it had one, which is refused.
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


def _sharpness(minimum: Found) -> float:
    data = minimum.instance.network
    assert data is not None  # a minimum has one
    return data.width * minimum.lambda_max


def _found(minimum: Found) -> str:
    return f"no run: found from {minimum.hits} of the starts"
