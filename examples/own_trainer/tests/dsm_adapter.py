"""How toyscore looks from dsmverify: vectors in, vectors out, and the 1/m of its networks."""

from __future__ import annotations

from typing import Any

from toyscore import ShallowNet, Trainer, ideal_score


def score(y: Any, points: Any, mu: float, sigma: float) -> Any:
    """The ideal score, for plain vectors."""
    return ideal_score(y[None, :], points[None, :], mu, sigma)[0]


class Adapter:
    """The parts of toyscore that have an exact counterpart."""

    step_factor = 1
    score = staticmethod(score)

    def sgd_step(
        self,
        network: Any,
        points: Any,
        mu: float,
        sigma: float,
        learning_rate: float,
        indices: Any,
        noise: Any,
    ) -> Any:
        """One step. With `outer = m W2` the output layer's rate is the other one over m^2."""
        m = len(network.outer)
        net = ShallowNet(network.inner[:, None], network.bias[:, None], network.outer[None, :] / m)
        rates = (learning_rate, learning_rate / m**2)
        trainer = Trainer(net, points[None, :], signal=mu, noise_std=sigma, rates=rates)
        trainer.step(indices, noise[None, :])
        return network._replace(bias=net.b1[:, 0], outer=m * net.W2[0])
