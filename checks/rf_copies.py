"""Learning curves of random features: what the number of noise samples does; the two regimes."""

from __future__ import annotations

from dsmverify.claims import Claim, Inequality, ReadOff
from dsmverify.formulas import curve_bounds as curves
from dsmverify.formulas import curve_limits as limits

from ._curves import ABSTRACT, FEWER, FINITE, INFINITE, MORE, RIDGE, RIGOUR, section
from .rf import ENCLOSED

MEANS = (
    "The abstract says it in words; this is one reading of them, and the statement is about the "
    "reduced system."
)
UNIFORM = "Tried from m to m + 1 and from m to inf."

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="rf.copies1",
        source=ABSTRACT,
        statement="For p < n, more noise samples help: E_test does not rise with m.",
        conclusion=(
            Inequality(curves.test_error_with_more, "<=", curves.test_error),
            Inequality(curves.test_error_with_all, "<=", curves.test_error),
        ),
        subject="curve",
        hypotheses=(FINITE, RIDGE, FEWER),
        remark=f"{MEANS} {UNIFORM}",
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.copies2@next",
        source=ABSTRACT,
        statement="For p > n, more noise samples strengthen memorisation: E_mem falls with m.",
        conclusion=Inequality(curves.memorisation_error_with_more, "<=", curves.memorisation_error),
        subject="curve",
        hypotheses=(FINITE, RIDGE, MORE),
        reading="next",
        severity="statement",
        remark=f"{MEANS} Tried from m to m + 1: the peak at p = n (m + 1) is in the way.",
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.copies2@all",
        source=ABSTRACT,
        statement=(
            "More noise samples strengthen memorisation: E_mem is least for m = inf, whatever p "
            "and n are."
        ),
        conclusion=Inequality(curves.memorisation_error_with_all, "<=", curves.memorisation_error),
        subject="curve",
        hypotheses=(FINITE, RIDGE),
        reading="all",
        literal=False,
        remark=f"{MEANS} Tried from m to inf.",
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.copies2@test",
        source=ABSTRACT,
        statement=(
            "For p > n, more noise samples strengthen memorisation: E_test, the distance to the "
            "score of the population, rises with m."
        ),
        conclusion=Inequality(curves.test_error_with_more, ">=", curves.test_error),
        subject="curve",
        hypotheses=(FINITE, RIDGE, MORE),
        reading="test",
        literal=False,
        severity="statement",
        remark=f"{MEANS} Tried from m to m + 1.",
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.copies3",
        source=section("4"),
        statement="E_train does not fall as m grows, whatever p and n are.",
        conclusion=(
            Inequality(curves.train_error_with_more, ">=", curves.train_error),
            Inequality(curves.train_error_with_all, ">=", curves.train_error),
        ),
        subject="curve",
        hypotheses=(FINITE, RIDGE),
        severity="statement",
        remark=(
            f"{RIGOUR} {UNIFORM} A guess of ours. What does not fall is F, the loss with its ridge "
            "term lam T_I; where E_train falls, that term rises by more."
        ),
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.copies3.r1",
        source=section("4"),
        statement=(
            "F, the least loss with its ridge term, does not fall as m grows, whatever p and n are."
        ),
        conclusion=(
            Inequality(limits.minimum_with_more, ">=", curves.minimum),
            Inequality(limits.minimum_with_all, ">=", curves.minimum),
        ),
        subject="curve",
        hypotheses=(FINITE, RIDGE),
        form="repaired",
        repairs="rf.copies3",
        change="F in place of E_train: the ridge term is part of what is minimised.",
        leans_on=("rf.signs",),
        derivation="rf_copies",
        remark=(
            f"{RIGOUR} {UNIFORM} As lam vanishes and p < n m, F tends to E_train, which then "
            "does not fall either."
        ),
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.copies4",
        source=section("4"),
        statement="For p < n, E_mem does not rise with m.",
        conclusion=(
            Inequality(curves.memorisation_error_with_more, "<=", curves.memorisation_error),
            Inequality(curves.memorisation_error_with_all, "<=", curves.memorisation_error),
        ),
        subject="curve",
        hypotheses=(FINITE, RIDGE, FEWER),
        remark=f"{RIGOUR} {UNIFORM}",
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.regime1@gap",
        source=ABSTRACT,
        statement=(
            "For p < n the model generalises: points seen in training cost at least (1 - p/n)^2 "
            "times what new points cost."
        ),
        conclusion=ReadOff("rf.gap"),
        subject="curve",
        reading="gap",
        remark=MEANS,
    ),
    Claim(
        id="rf.regime1@error",
        source=ABSTRACT,
        statement="For p < n the model generalises: E_test < 1, better than no score at all.",
        conclusion=Inequality(curves.test_error, "<", curves.one),
        subject="curve",
        hypotheses=(RIDGE, FEWER),
        reading="error",
        literal=False,
        severity="statement",
        remark=f"{MEANS} It fails before the peak at p = n already.",
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.regime2@half",
        source=ABSTRACT,
        statement=(
            "For p > n and m = inf the model memorises: E_mem < a^2/2, nearer to the score of the "
            "sample (0) than to that of the population (a^2)."
        ),
        conclusion=Inequality(curves.memorisation_error, "<", curves.half_signal),
        subject="curve",
        hypotheses=(INFINITE, RIDGE, MORE),
        reading="half",
        literal=False,
        severity="statement",
        remark=(
            f"{MEANS} The threshold a^2/2 is ours; the passage is gradual, and at p = n nothing "
            "happens suddenly."
        ),
        enclosed_by=ENCLOSED,
    ),
    Claim(
        id="rf.regime2@limit",
        source=ABSTRACT,
        statement=(
            "For p > n and m = inf the model memorises: E_mem is at most a constant over p/n, and "
            "vanishes as p grows."
        ),
        conclusion=ReadOff("rf.lim4a"),
        subject="curve",
        reading="limit",
        remark=MEANS,
    ),
)
