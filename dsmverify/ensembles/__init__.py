"""SGD on denoising score matching, many two-layer ReLU networks at once, and what came of it.

| module | what it holds |
|---|---|
| `arguments` | arguments as numbers, checked |
| `settings` | Problem, Model, Ensemble, Networks: what is trained, and its parameters as arrays |
| `times`, `conditioned` | noise prediction over many times: what is trained |
| `philox` | counter-based random words, and the draws made from them, in NumPy |
| `philox_compiled`, `philox_torch` | the same words and draws for the kernels, and in torch |
| `reference` | plain torch module, SGD and autograd, one network at a time |
| `sorted_batch` | numba, d = 1, O(m) for a step |
| `dense` | numba, any d |
| `batched` | many networks as batched torch operations, CPU or CUDA |
| `training`, `checkpoints`, `runs` | the loop around a path, and networks on disk |
| `measures`, `optimum`, `hinges` | what is measured exactly on a network in d = 1 |
| `sharpness` | lambda_max of Hessian and tangent kernel by O(m) products |
| `dimensions` | d > 1: excess risk by Monte Carlo, exact risk |
| `posterior` | the exact score of many points at many places, quickly |
| `memory` | what does not fit is refused with the size it would need |
| `noise_loss` | noise prediction: least losses, a network's excess over them, its curvature |
| `translation` | the translation bound at a network |
| `mean_square_operator` | second moments of linearised SGD at wide networks |
| `minima_search`, `polish` | proved minima of small networks; wide ones polished |

Nothing here gives a verdict: training runs are evidence.
"""
