"""Random-features score matching at finite size: models, their minimisers, and repeats.

| module | what it holds |
|---|---|
| `simulate` | repeats of one model, means and standard errors: what a user calls |
| `extrapolate` | fits in 1/d, and the test of agreement with a curve |
| `model` | what is drawn, features and their Gaussian equivalent, exact moments |
| `minimise` | the exact minimiser of the loss |
| `exact_noise`, `expansions` | expectations over noise by Hermite series, with a bound |
| `covariance` | eigenvalues of the data's covariance from a spectrum |
| `arrays` | NumPy or torch |

Nothing here gives a verdict: simulations are evidence.
"""
