"""Right. JAX in single precision: grad of the log density, and of the risk on ranked pieces."""

from __future__ import annotations

from importlib import import_module
from typing import Any

jax: Any = import_module("jax")
jnp: Any = import_module("jax.numpy")


def log_density(y: Any, points: Any, mu: float, sigma: float) -> Any:
    return jax.nn.logsumexp(-(((y - mu * points) / sigma) ** 2) / 2)


def risk_at(theta: Any, centre: Any, sigma: float) -> Any:
    """`E[f^2]` around one noised mean; theta has rows inner, bias, outer."""
    inner, bias, outer = theta
    m = outer.shape[0]
    kinks = (-bias / inner - centre) / sigma
    order = jnp.argsort(kinks)
    rank = jnp.argsort(order)
    cuts = jnp.clip(kinks[order], -30.0, 30.0)
    edges = jnp.concatenate([jnp.array([-30.0]), cuts, jnp.array([30.0])])
    piece = jnp.arange(m + 1)[:, None]
    active = jnp.where(inner > 0, rank < piece, rank >= piece)  # by rank: ties stay consistent
    level = active @ (outer * (inner * centre + bias)) / m
    slope = active @ (outer * inner) / m * sigma + 1 / sigma
    law = jax.scipy.stats.norm
    mass = jnp.diff(law.cdf(edges))
    first = -jnp.diff(law.pdf(edges))
    second = mass - jnp.diff(edges * law.pdf(edges))
    return jnp.sum(level**2 * mass + 2 * level * slope * first + slope**2 * second)


def risk_of(theta: Any, points: Any, mu: float, sigma: float) -> Any:
    return jax.vmap(risk_at, in_axes=(None, 0, None))(theta, mu * points, sigma).mean()


def scores(y: Any, points: Any, mu: float, sigma: float) -> Any:
    return jax.vmap(jax.grad(log_density), in_axes=(0, None, None, None))(y, points, mu, sigma)


def risk_slope(theta: Any, points: Any, mu: float, sigma: float) -> Any:
    return jax.grad(risk_of)(theta, points, mu, sigma)


def risk_curvature(theta: Any, points: Any, mu: float, sigma: float) -> Any:
    """In outer weights and biases."""
    m = theta.shape[1]

    def of_vector(vector: Any) -> Any:
        rows = jnp.stack([theta[0], vector[m:], vector[:m]])
        return risk_of(rows, points, mu, sigma)

    return jax.hessian(of_vector)(jnp.concatenate([theta[2], theta[1]]))


def batch_loss(theta: Any, y: Any, noise: Any, sigma: float) -> Any:
    inner, bias, outer = theta
    prediction = jax.nn.relu(jnp.outer(y, inner) + bias) @ outer / outer.shape[0]
    return jnp.mean((prediction + noise / sigma) ** 2)


class Adapter:
    arrays = "jax"
    dtype = "float32"

    def score(self, y: Any, points: Any, mu: float, sigma: float) -> Any:
        return jax.jit(scores)(y, points, mu, sigma)

    def risk(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        return jax.jit(risk_of)(jnp.stack(network), points, mu, sigma)

    def gradient(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        return type(network)(*jax.jit(risk_slope)(jnp.stack(network), points, mu, sigma))

    def hessian(self, network: Any, points: Any, mu: float, sigma: float) -> Any:
        return jax.jit(risk_curvature)(jnp.stack(network), points, mu, sigma)

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
        theta = jnp.stack(network)
        y = mu * points[indices] + sigma * noise
        slope = jax.jit(jax.grad(batch_loss))(theta, y, noise, sigma)
        _, bias, outer = theta - learning_rate * theta.shape[1] * slope
        return type(network)(network.inner, bias, outer)
