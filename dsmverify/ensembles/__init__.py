"""SGD on denoising score matching, many two-layer ReLU networks at once, and what came of it.

| module | what it holds |
|---|---|
| `settings` | Problem, Model, Ensemble, Networks: what is trained, and its parameters as arrays |
| `philox` | counter-based random words, and the draws made from them, in NumPy |
| `philox_compiled`, `philox_torch` | the same words and draws for the kernels, and in torch |
| `reference` | plain torch module, SGD and autograd, one network at a time |
| `sorted_batch` | numba, d = 1, O(m) for a step |
| `dense` | numba, any d |
| `batched` | many networks as batched torch operations, CPU or CUDA |
| `training`, `checkpoints`, `runs` | the loop around a path, and networks on disk |

Nothing here gives a verdict: training runs are evidence.
"""
