"""The paper's experiments run again, and what may be said about them.

| module | what it holds |
|---|---|
| `configurations` | experiments as TOML, the package's and the user's own, read strictly |
| `page` | the curves and values of the printed figures, digitised |
| `page_clouds`, `page_readings` | the page's own generated points, measured again |
| `groups` | options, seeds, and groups of networks trained, measured and kept on disk |
| `silence` | scores that are flat on a side of the data |
| `figure1`, `figure2` | the two figures: runs, tables, comparison with the page |
| `clouds` | generated points, their distances, and the power of these: for the next three |
| `figure3`, `figure3_report`, `figure3_plots` | generation against the learning rate |
| `figure4`, `figure4_settings`, `figure4_grounds` | generation against the dimension |
| `figure4_population` | its certified powers |
| `figure4_report`, `figure4_plots` | its tables, conclusions and drawings |
| `ordered_trends` | exact tests of a trend |
| `digits`, `digits_report`, `digits_plots` | a real data set |
| `critical`, `critical_tables`, `scaling` | where the risk jumps: runs, tables, fits |
| `theorem`, `theorem_settings`, `theorem_records`, `theorem_report` | claims at minima and ends |
| `parts` | finished parts of the theorem's run, kept on disk |
| `stable_minima` | linearly stable minima that break eq. 8 |
| `largest_bound` | the largest value of theorem 8's bound in its own regime |
| `plots`, `critical_plots` | vector drawings of the tables |
| `running` | which module runs which configuration |

Nothing here gives a verdict on a claim: training runs are evidence.
"""
