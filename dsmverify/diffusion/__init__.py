"""Points generated with a score: the backward process, its integrators, and how well they do.

| module | what it holds |
|---|---|
| `scores` | what a score is; the exact one of a sample, a Gaussian's, a network's, the user's |
| `backward` | Euler-Maruyama, an exponential integrator, the probability-flow equation |
| `bridge` | generation with the exact score without any error of discretisation |
| `convergence` | what too few steps do to the clusters |
"""
