"""SGD on denoising score matching, many two-layer ReLU networks at once, and what came of it.

| module | what it holds |
|---|---|
| `settings` | Problem, Model, Ensemble, Networks: what is trained, and its parameters as arrays |
| `philox` | counter-based random words, and the draws made from them, in NumPy |

Nothing here gives a verdict: training runs are evidence.
"""
