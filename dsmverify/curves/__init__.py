"""Learning curves of denoising score matching with random features, in many dimensions.

>>> from dsmverify.curves import learning_curve
>>> curve = learning_curve("relu", psi_n=4, psi_p=[1, 2, 4, 8], time="0.1", ridge="1e-6")
>>> [round(float(error), 3) for error in curve.test_error]
[2.103, 4.973, 788.895, 5.767]
>>> print(curve.enclose(20, index=1).test_error.str(20, radius=False))
4.9729985564417012538
"""

from dsmverify.curves.activations import Activation, activation_named
from dsmverify.curves.certified import CertifiedCurve
from dsmverify.curves.curve import CurveWarning, LearningCurve, learning_curve
from dsmverify.curves.early_stopping import ContinuationError, GradientFlow, gradient_flow
from dsmverify.curves.optimal import OptimalRidge, optimal_ridge
from dsmverify.curves.spectra import power_law, two_atoms

__all__ = [
    "Activation",
    "CertifiedCurve",
    "ContinuationError",
    "CurveWarning",
    "GradientFlow",
    "LearningCurve",
    "OptimalRidge",
    "activation_named",
    "gradient_flow",
    "learning_curve",
    "optimal_ridge",
    "power_law",
    "two_atoms",
]
