"""The paper's experiments run again, and what may be said about them.

| module | what it holds |
|---|---|
| `configurations` | experiments as TOML, the package's and the user's own, read strictly |
| `page` | the curves and values of the printed figures, digitised |
| `groups` | options, seeds, and groups of networks trained, measured and kept on disk |
| `silence` | scores that are flat on a side of the data |
| `figure1`, `figure2` | the two figures: runs, tables, comparison with the page |
| `critical`, `theorem` | which rate is critical; the theorem held against runs |
| `plots` | vector drawings of the tables |

Nothing here gives a verdict on a claim: training runs are evidence.
"""
