"""Points of learning curves that come with the engine: what claims about them are tried on.

| names | what they are for |
|---|---|
| `curve-reference-*` | the reference values of random-features.md |
| `curve-fewer-*` | p < n: the regime in which more noise samples help |
| `curve-more-*` | p > n: m small and large, before and beyond p = n m |
| `curve-all-*` | m = inf: from p just above n to many features |
| `curve-peak-*` | p = n m, at small ridges |
| `curve-large-ridge` | where fitted noise costs more than what is learned saves |
| `curve-limit-*` | lam = 0+ |
"""

from __future__ import annotations

from dsmverify.curves.points import KEYS, CurvePoint

POINTS = """
reference-one    relu    4   2    0.1   0.01    1
reference-all    relu    4   2    0.1   0.01    inf
reference-two    tanh    3   3    0.1   0.001   2
fewer-erf        erf     2   1    0.1   0.001   2
fewer-abs        abs     3   1    0.5   0.1     1
fewer-sin        sin     5   4    0.01  0.0001  10
fewer-near       relu    1   0.9  0.05  1e-6    1
fewer-late       tanh    2   0.5  1     0.5     3
fewer-linear     linear  3   0.5  0.2   0.1     2
fewer-early      relu    8   6    0.02  0.001   2
fewer-many       erf     10  1    0.3   0.0001  1
more-before      relu    1   1.5  0.1   0.0001  1
more-one         erf     1   3    0.1   0.01    1
more-late        sin     2   5    0.5   0.1     2
more-abs         abs     1   2    1     0.1     3
more-ten         relu    0.5 4    0.05  0.001   10
more-tanh        tanh    1   10   0.2   0.01    2
more-small       erf     0.3 1    1     0.001   1
more-early       sin     1   20   0.01  0.0001  3
more-linear      linear  0.5 2    0.1   0.01    4
more-wide        erf     2   200  4     10      1
all-hundred      relu    1   100  0.1   0.001   inf
all-just-above   erf     2   3    0.1   0.001   inf
all-early        sin     1   10   0.02  0.0001  inf
all-abs          abs     0.5 2    0.3   0.1     inf
all-tanh         tanh    1   50   0.5   0.01    inf
all-smallest     relu    4   6    0.01  1e-6    inf
all-linear       linear  0.5 2    0.1   0.01    inf
all-late         erf     1   200  1     0.001   inf
all-wide         erf     100 1e6  0.5   1e-6    inf
peak-relu        relu    1   1    0.1   1e-8    1
peak-erf         erf     2   4    0.1   1e-6    2
peak-sin         sin     0.5 1.5  0.3   1e-10   3
large-ridge      relu    1   2    0.5   100     2
limit-relu       relu    4   2    0.1   0+      1
limit-erf        erf     2   3    0.1   0+      2
limit-sin        sin     2   6    0.1   0+      2
limit-all        tanh    2   3    0.2   0+      inf
limit-linear     linear  2.5 3    0.2   0+      1
limit-few        linear  3   0.5  0.2   0+      1
limit-law        linear  2   3    0.5   0+      inf
"""
"""Name, then the values of `KEYS` in their order."""


def bundled_points() -> list[CurvePoint]:
    """The bundled points, in a fixed order, equal at every call."""
    rows = [line.split() for line in POINTS.strip().splitlines()]
    return [
        CurvePoint.from_json(dict(zip(KEYS, values, strict=True)), name=f"curve-{name}")
        for name, *values in rows
    ]
