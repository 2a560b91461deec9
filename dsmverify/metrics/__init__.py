"""Distances between clouds of points, measures of memorisation, and what they are able to tell.

| module | what it holds |
|---|---|
| `distances` | clouds checked, and distances between them in blocks |
| `mmd` | squared maximum mean discrepancy with Gaussian kernels |
| `wasserstein` | optimal transport: on the line, sliced, and exact for few points |
| `nearest` | distances to training points, the memorisation ratio |
| `metric` | each of them as a metric with a name |
| `power` | whether a metric separates what it is meant to separate, by sampling |
| `population` | the same for squared MMD, certified, nothing sampled |
"""
