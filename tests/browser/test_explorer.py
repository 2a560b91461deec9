"""The bound explorer as a person uses it: sliders, numbers, address, pictures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from mpmath import mp

from dsmverify import Instance, explorer
from dsmverify.certify import precision
from dsmverify.facts import Facts
from dsmverify.integrals import Accuracy
from tests.browser.visits import NARROW, SCHEMES, WIDE, Scheme, Visits, scrolls_sideways

if TYPE_CHECKING:
    from playwright.sync_api import Page

SHOWN = 1e-5
"""Six digits are shown: a relative error of at most half a unit of the sixth, 5e-6, doubled."""

SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explorer") / explorer.FILE_NAME
    path.write_text(explorer.render(), encoding="utf-8")
    return path


def number(text: str) -> Any:
    """A number as the page shows it, however large or small."""
    found = re.fullmatch(r"(−?)([0-9.]+)(?:·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?", text)
    assert found, text
    sign, mantissa, exponent = found.groups()
    power = int((exponent or "⁰").translate(SUPERSCRIPTS))
    return (-1 if sign else 1) * mp.mpf(mantissa) * mp.mpf(10) ** power


def values(page: Page) -> dict[str, str]:
    """Text of every number in the table, by quantity or claim."""
    found: dict[str, str] = page.evaluate(
        "() => Object.fromEntries([...document.querySelectorAll('#values tr[data-quantity]')]"
        ".map((row) => [row.dataset.quantity, row.querySelector('td.value').textContent]))"
    )
    return found


class Oracle:
    """The setting in mpmath, from the letters of the paper."""

    def __init__(self, n: int, spacing: str, sigma: str, rate: str) -> None:
        self.n, self.gap, self.sigma = mp.mpf(n), mp.mpf(spacing), mp.mpf(sigma)
        self.mu = mp.sqrt(1 - self.sigma**2)
        self.rate = mp.mpf(rate)
        self.x = [(2 * i - n - 1) * self.gap / 2 for i in range(1, n + 1)]
        self.spread = self.x[-1] - self.x[0]
        self.time = -mp.log(self.mu)

    def decay(self, divisor: int) -> Any:
        return mp.exp(-((self.mu * self.gap / self.sigma) ** 2) / divisor)

    def shares(self, y: Any) -> list[Any]:
        terms = [mp.exp(-((y - self.mu * x) ** 2) / (2 * self.sigma**2)) for x in self.x]
        return [term / mp.fsum(terms) for term in terms]

    def mean(self, y: Any) -> Any:
        return mp.fsum(a * x for a, x in zip(self.shares(y), self.x, strict=True))

    def offset(self, y: Any, x: Any) -> Any:
        """`E[W(y)] - x`, term by term: it can be far smaller than the digits of x."""
        return mp.fsum(a * (other - x) for a, other in zip(self.shares(y), self.x, strict=True))

    def variance(self, y: Any) -> Any:
        mean = self.mean(y)
        return mp.fsum(a * (x - mean) ** 2 for a, x in zip(self.shares(y), self.x, strict=True))

    def midpoint(self, i: int) -> Any:
        return self.mu * (self.x[i - 1] + self.x[i]) / 2

    @property
    def constant(self) -> Any:
        bracket = self.mu**2 * self.spread + 2 * (self.n - 1) / self.gap
        return max(1, 8 * self.mu**2 * self.spread**3 * bracket)


FORMULAS: Mapping[str, Callable[[Oracle], Any]] = {
    "cor03b": lambda o: 4 * o.mu**2 * o.spread**2 / o.sigma**4 * o.decay(32),
    "cor03b.s1": lambda o: (o.n - 1) * o.mu**2 * o.spread**2 / (o.n * o.sigma**4) * o.decay(8),
    "cor03b.s2": lambda o: 5 * (o.n - 1) * o.mu**2 * o.gap**2 / (4 * o.n * o.sigma**4) * o.decay(8),
    "cor03b.s3": lambda o: 5 * o.mu**2 * o.gap**2 / (2 * o.sigma**4) * o.decay(8),
    "midpoint_variance": lambda o: min(o.variance(o.midpoint(i)) for i in range(1, int(o.n))),
    "prop02a": lambda o: o.gap**2 / (2 * o.n),
    "prop02a.s1": lambda o: (o.n - 1) * o.gap**2 / o.n**2,
    "prop02a.s2": lambda o: o.gap**2 / 4,
    "mean_distance": lambda o: max(
        abs(o.offset(o.mu * (x + side * o.gap / 4), x)) for x in o.x for side in (-1, 1)
    ),
    "prop02b": lambda o: o.n * o.gap * o.decay(4),
    "prop02b.s1": lambda o: o.gap * o.decay(4),
    "posterior_variance": lambda o: max(
        o.variance(o.mu * (x + side * o.gap / 4)) for x in o.x for side in (-1, 0, 1)
    ),
    "prop02c": lambda o: 4 * o.n**2 * o.gap**2 * o.decay(4),
    "prop02c.s1": lambda o: o.gap**2 * o.decay(4),
    "slope_jump": lambda o: min(
        o.mu**2 / o.sigma**4 * abs(o.variance(o.mu * o.x[k]) - o.variance(o.midpoint(i)))
        for i in range(1, int(o.n))
        for k in (i - 1, i)
    ),
    "cor03a.r1": lambda o: (
        o.mu**2 / o.sigma**4 * (o.gap**2 / (2 * o.n) - 4 * o.n**2 * o.gap**2 * o.decay(4))
    ),
    "cor03a.s1": lambda o: (
        o.mu**2 / o.sigma**4 * (o.gap**2 / 4 - 2 * o.gap**2 * o.decay(2))
    ),
    "thm04": lambda o: o.mu**3 * o.n * o.gap**3 / (4096 * o.sigma**4),
    "thm04.s1": lambda o: o.mu**3 * o.n**2 * o.gap**3 / (1024 * o.sigma**4),
    "lem12": lambda o: (
        4 * o.mu**2 * o.spread**3 / o.sigma**6
        * (o.mu**2 * o.spread + 2 * (o.n - 1) * o.sigma**2 / o.gap)
    ),
    "D-A": lambda o: o.constant / (2 * o.sigma**6),
    "lem12.s1": lambda o: 3 * o.mu**2 * o.spread**2 / (4 * o.sigma**4),
    "prop07": lambda o: o.mu * o.n**2 * o.gap / (2048 * o.sigma**2),
    "prop07.r1": lambda o: o.mu * o.n**2 * o.gap / (2048 * o.sigma**2),
    "prop07.r3": lambda o: o.mu * o.n**2 * o.gap / (1024 * o.sigma**2),
    "prop06b.r1": lambda o: 1 / (2 * o.rate),
    "prop09b": lambda o: o.mu * o.spread,
    "prop09b.s1": lambda o: o.mu * o.spread / 8,
    "truncated_square": lambda o: (
        mp.quad(lambda x: x**2 * mp.npdf(x), mp.linspace(0, o.mu * o.gap / (2 * o.sigma), 9)) * 2
    ),
    "lem14b": lambda o: (
        1 - 2 * (o.mu * o.gap / (2 * mp.sqrt(2 * mp.pi) * o.sigma) + 1) * o.decay(8)
    ),
    "lem14b.s1": lambda o: 1 - (o.mu * o.gap / (mp.sqrt(2 * mp.pi) * o.sigma) + 1) * o.decay(8),
    "diffusion_scale": lambda o: o.mu**3 / o.sigma**4,
    "thm04.f": lambda o: 1 / (8 * o.time**2),
    "thm04.f.s1": lambda o: mp.exp(-3 * o.time) / (4 * o.time**2),
}  # fmt: skip

SETTINGS = (
    # n, spacing, sigma, rate
    (10, "1", "0.1", "0.01"),
    (3, "0.2", "0.5", "2"),
    (2, "3", "0.001", "1e-8"),
    (50, "0.05", "0.04", "1e3"),
    (7, "31.6", "0.0001", "0.5"),
)


@pytest.mark.parametrize(("n", "spacing", "sigma", "rate"), SETTINGS)
def test_numbers_equal_the_formulas_in_mpmath(
    n: int, spacing: str, sigma: str, rate: str, visits: Visits, file: Path
) -> None:
    """Down to 10^(-10^10) at the last setting, far below the range of doubles."""
    page = visits.open(file, fragment=f"n={n}&spacing={spacing}&sigma={sigma}&rate={rate}")
    found = values(page)
    with mp.workdps(60):
        oracle = Oracle(n, spacing, sigma, rate)
        for name, formula in FORMULAS.items():
            wanted = formula(oracle)
            # Where a logarithm is as large as 1e10 fewer digits are shown.
            text = found[name].split("·")[0].lstrip("−")
            digits = len(text.replace(".", "").lstrip("0"))
            assert digits == 6 or sigma == "0.0001", (name, found[name])
            allowed = max(SHOWN, mp.mpf(10) ** (1 - digits))
            assert abs(number(found[name]) / wanted - 1) <= allowed, (name, found[name])


def test_a_moved_slider_changes_the_numbers(visits: Visits, file: Path) -> None:
    page = visits.open(file)
    before = values(page)
    for slider, key in (("noise", "ArrowRight"), ("spacing", "ArrowLeft"), ("rate", "ArrowUp")):
        page.locator(f"#{slider}").focus()
        for _ in range(7):
            page.keyboard.press(key)
        page.wait_for_function(
            "([id, old]) => document.getElementById(id + '-value').textContent !== old"
            " && location.hash.length > 1",
            arg=[slider, ""],
        )
    page.locator("#n").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => document.getElementById('n-value').textContent === '7'")
    page.wait_for_function("() => location.hash.includes('n=7&')")  # once the slider rests
    setting = {key: texts[0] for key, texts in parse_qs(urlsplit(page.url).fragment).items()}
    assert setting["n"] == "7"
    assert float(setting["sigma"]) > 0.1
    assert float(setting["spacing"]) < 1
    assert float(setting["rate"]) > 0.01
    after = values(page)
    with mp.workdps(60):
        oracle = Oracle(7, setting["spacing"], setting["sigma"], setting["rate"])
        for name in ("cor03b", "prop02b", "thm04.s1", "prop06b.r1", "lem12", "mean_distance"):
            assert after[name] != before[name]
            assert abs(number(after[name]) / FORMULAS[name](oracle) - 1) <= SHOWN, name


def test_the_address_keeps_the_setting(visits: Visits, file: Path) -> None:
    page = visits.open(file)
    page.locator("#noise").focus()
    page.keyboard.press("PageDown")
    page.locator("#bound-default").uncheck()
    page.locator("#bound").focus()
    page.keyboard.press("ArrowRight")
    page.locator("#picture-quantity").select_option("weight")
    page.wait_for_function("() => location.hash.includes('picture=weight')")
    fragment = urlsplit(page.url).fragment
    other = visits.open(file, fragment=fragment)
    assert values(other) == values(page)
    assert (
        other.locator("#bound-value").text_content() == page.locator("#bound-value").text_content()
    )
    assert other.locator("[data-curve='prop09a.r1']").count() == 1
    # A link followed inside the page, and the way back.
    other.evaluate("() => { location.hash = 'n=5&sigma=0.3'; }")
    other.wait_for_function("() => document.getElementById('n-value').textContent === '5'")
    assert other.locator("#noise-value").text_content() == "0.3"


@pytest.mark.parametrize(
    "fragment",
    [
        "n=11&spacing=0&sigma=2&rate=-1&A=0",
        "n=<b>&spacing=NaN&sigma=Infinity&rate=1e999&A=&picture=<script>",
        "%00%ff=&&&===",
        "sigma=&t=",
    ],
)
def test_a_bad_address_gives_the_defaults(fragment: str, visits: Visits, file: Path) -> None:
    page = visits.open(file, fragment=fragment)
    assert page.locator("#n-value").text_content() == "10"
    assert page.locator("#spacing-value").text_content() == "1"
    assert_no_nonsense(page)


def test_noise_as_time_is_the_same_noise(visits: Visits, file: Path) -> None:
    page = visits.open(file, fragment="n=5&sigma=0.6")
    page.locator("#kind-time").check()
    page.wait_for_function("() => location.hash.includes('t=')")
    time = mp.mpf(page.locator("#noise-value").text_content() or "")
    sigma = mp.sqrt(-mp.expm1(-2 * time))
    assert abs(sigma / mp.mpf("0.6") - 1) < 0.005  # the time has three digits
    wanted = 3 * mp.exp(-2 * time) * 16 / (4 * sigma**4)
    assert abs(number(values(page)["lem12.s1"]) / wanted - 1) <= SHOWN
    assert page.locator("label[for=noise]").text_content() == "Time t"


def assert_no_nonsense(page: Page) -> None:
    text = page.locator("main").inner_text()
    for word in ("NaN", "Infinity", "undefined", "null", "[object"):
        assert word not in text, word
    assert "NaN" not in page.locator("#picture-svg").inner_html()


def test_no_corner_of_the_sliders_gives_nonsense(visits: Visits, file: Path) -> None:
    """And nothing that is positive is shown as 0, however small."""
    page = visits.open(file)
    quantities = page.locator("#picture-quantity option").evaluate_all(
        "all => all.map((o) => o.value)"
    )
    corners = list(product((2, 50), ("0.01", "31.6"), ("sigma=0.0001", "sigma=0.999", "t=3")))
    for k, (n, spacing, noise) in enumerate(corners):
        for rate, bound in (("1e-10", "&A=1"), ("1e6", "&A=1e60"), ("0.01", "")):
            picture = quantities[k % len(quantities)]
            page.evaluate(
                "(hash) => { location.hash = hash; }",
                f"n={n}&spacing={spacing}&{noise}&rate={rate}{bound}&picture={picture}",
            )
            # Taken as it is: no corner is out of range, and none is replaced by a default.
            page.wait_for_function(
                "(wanted) => ['n', 'spacing', 'noise', 'rate']"
                ".every((name, k) => dsmExplorer.setting()[name] === wanted[k])",
                arg=[n, float(spacing), float(noise.partition("=")[2]), float(rate)],
                timeout=5000,
            )
            assert page.locator("#n-value").text_content() == str(n)
            assert page.locator("#noise-value").text_content() == noise.partition("=")[2]
            assert page.locator("#spacing-value").text_content() == spacing
            assert_no_nonsense(page)
            zeros = [name for name, text in values(page).items() if text == "0"]
            # Bounds that are 0 by their formula: a last factor (i-1) at n = 2, and (1 - r)_+.
            assert set(zeros) <= {"prop09a", "prop09a.r1", "prop09a.s1", "prop09a.r2", "shift3"}


@pytest.mark.parametrize("quantity", ["risk_empirical_score", "tv_network", "weight"])
def test_pictures_show_every_bound_and_the_place_of_the_slider(
    quantity: str, visits: Visits, file: Path
) -> None:
    page = visits.open(file, fragment=f"n=10&picture={quantity}")
    rows = page.evaluate(
        "(id) => [...document.querySelector(`[data-quantity='${id}']`).closest('tbody')"
        ".querySelectorAll('tr[data-form]')].map((row) => row.dataset.quantity)",
        quantity,
    )
    for name in (*rows, "value"):
        assert page.locator(f"[data-curve='{name}'] path").count() >= 1, name
    place = page.locator("[data-marker]").get_attribute("x1")
    page.locator("#noise").focus()
    page.keyboard.press("Home")
    page.wait_for_function("() => document.getElementById('noise-value').textContent === '0.0001'")
    assert page.locator("[data-marker]").get_attribute("x1") != place


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize(
    ("fragment", "quantity"),
    [
        ("n=10&spacing=1&sigma=0.1", "risk_empirical_score"),
        ("n=3&spacing=0.5&sigma=0.02", "weight_maximum"),
        ("n=20&spacing=2&sigma=0.3", "posterior_variance"),
    ],
)
def test_the_picture_shows_the_number_of_the_table(
    fragment: str, quantity: str, width: int, visits: Visits, file: Path
) -> None:
    """The dot read off the labelled lines of the grid, and the curve that it lies on."""
    page = visits.open(file, width=width, fragment=f"{fragment}&picture={quantity}")
    shown = page.evaluate(
        """() => {
          const svg = document.getElementById("picture-svg");
          const places = (end) => [...svg.querySelectorAll("text[text-anchor=" + end + "]")]
            .filter((text) => !text.classList.contains("label"))
            .map((text) => [text.textContent, ...["x1", "y1"].map((name) =>
              Number(text.previousSibling.getAttribute(name)))]);
          const dot = svg.querySelector("circle");
          return {
            up: places("end"), across: places("middle"),
            dot: ["cx", "cy"].map((name) => Number(dot.getAttribute(name))),
            curve: svg.querySelector("[data-curve=value] path").getAttribute("d"),
          };
        }"""
    )
    x, y = shown["dot"]
    ups = [(float(mp.log10(number(f"1·{text}"))), top) for text, _, top in shown["up"]]
    across = [
        (0.0 if text == "1" else float(mp.log10(number(f"1·{text}"))), left)
        for text, left, _ in shown["across"]
    ]

    def read_off(marks: list[tuple[float, float]], place: float) -> float:
        """The number at a place of the page, from the outermost labels."""
        (first, start), (last, end) = marks[0], marks[-1]
        return first + (place - start) * (last - first) / (end - start)

    per_pixel = abs((ups[-1][0] - ups[0][0]) / (ups[-1][1] - ups[0][1]))
    assert abs(read_off(ups, y) - float(mp.log10(number(values(page)[quantity])))) < per_pixel
    sigma = float(fragment.partition("sigma=")[2])
    assert abs(read_off(across, x) - float(mp.log10(sigma))) < 0.01
    points = [tuple(map(float, pair.split())) for pair in shown["curve"][1:].split("L")]
    around = next(pair for pair in pairwise(points) if pair[0][0] <= x <= pair[1][0])
    low, high = sorted(height for _, height in around)
    assert low - 1 <= y <= high + 1


def test_bounds_are_judged_by_hypotheses_trivial_bounds_and_the_value(
    visits: Visits, file: Path
) -> None:
    """Each judgement at a setting where the formulas above give it."""
    page = visits.open(file, fragment="n=10&spacing=1&sigma=0.1&rate=0.01")

    def verdict(name: str) -> tuple[str | None, str]:
        row = page.locator(f"tr[data-quantity='{name}']")
        return row.get_attribute("data-verdict"), row.locator(".verdict").text_content() or ""

    # 4 mu^2 81 10^4 exp(-3.09) is above 1/sigma^2 = 100; with exp(-12.4) and Delta below.
    assert verdict("cor03b") == (
        "loose",
        "No better than the trivial 1/σ2, the risk of the zero function",
    )
    assert verdict("cor03b.s2")[0] == "yes"
    # In the last gap the printed last factor (n-i)^2 (n-i+1) is 2 where it should be 0.
    assert verdict("prop09a") == ("fails", "Above the value here")
    assert verdict("prop09a.r1")[0] == "yes"
    page.evaluate("() => { location.hash = 'n=4&spacing=1&sigma=0.6'; }")
    page.wait_for_function("() => document.getElementById('n-value').textContent === '4'")
    kind, text = verdict("prop02b")  # mu Delta/sigma = 4/3, and 2 is asked for
    assert (kind, text) == ("no", "Hypothesis fails: Δ ≥ 2 σ/μ, by a factor 1.50")
    assert verdict("prop02a.s1")[0] == "yes"


def test_what_is_beyond_the_table_is_not_made_up(visits: Visits, file: Path) -> None:
    page = visits.open(file, fragment="n=10&spacing=31.6&sigma=0.0001")
    found = values(page)
    for name in ("tv_empirical_score", "curvature_mass", "tv_network"):
        assert found[name].startswith("not computed above kappa"), name
    assert number(found["risk_empirical_score"]) > 0  # by its leading term, proved
    page = visits.open(file, fragment="n=10&spacing=0.01&sigma=0.999")
    for name in ("risk_empirical_score", "tv_empirical_score", "shift3", "prop06b"):
        assert values(page)[name].startswith("not computed below kappa"), name


@pytest.mark.parametrize(("n", "spacing", "sigma"), [(10, "1", "0.1"), (2, "0.5", "0.001")])
def test_the_regime_has_the_limits_of_the_engine(
    n: int, spacing: str, sigma: str, visits: Visits, file: Path
) -> None:
    page = visits.open(file, fragment=f"n={n}&spacing={spacing}&sigma={sigma}&rate=0.01")
    gap = Fraction(spacing)
    points = [str(gap * Fraction(2 * i - n - 1, 2)) for i in range(1, n + 1)]
    with precision(128):
        facts = Facts(Instance.from_json({"x": points, "sigma": sigma}), Accuracy())
        limits = {
            name: float(getattr(facts, name).mid())
            for name in ("sigma_0", "sigma_1", "sigma_2", "sigma_3", "sigma_4")
        }
        threshold = float(facts.learning_rate_threshold.mid())
        excess = mp.mpf(facts.excess_risk_bound.mid().str(20, radius=False))
    block = page.locator("[data-theorem=thm08]")
    for name, limit in limits.items():
        row = block.locator(f"[data-hypothesis={name}]")
        assert abs(number(row.locator(".value").text_content() or "") / limit - 1) <= SHOWN
        wanted = "edge" if float(sigma) == limit else str(float(sigma) <= limit).lower()
        assert row.get_attribute("data-holds") == wanted
    row = block.locator("[data-hypothesis=rate]")
    assert abs(number(row.locator(".value").text_content() or "") / threshold - 1) <= SHOWN
    shown = page.locator("[data-conclusion=thm08]").text_content() or ""
    assert abs(number(shown) / excess - 1) <= SHOWN


def test_the_page_says_that_nothing_on_it_is_certified(visits: Visits, file: Path) -> None:
    page = visits.open(file)
    line = page.locator("#caution")
    assert line.is_visible()
    assert "No number on this page is certified" in (line.text_content() or "")
    assert "float64, relative error about 10⁻¹² but where said" in (line.text_content() or "")
    row = page.locator("[data-quantity=tv_empirical_score]")
    assert "relative error" in (row.locator(".notes").text_content() or "")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_it_is_accessible_and_fits(width: int, scheme: Scheme, visits: Visits, file: Path) -> None:
    page = visits.open(file, width=width, scheme=scheme)
    visits.shoot(page, f"explorer-{width}-{scheme}", full_page=True)
    assert not scrolls_sideways(page)
    assert visits.accessibility_faults(page) == []


def test_every_control_is_reached_by_the_keyboard(visits: Visits, file: Path) -> None:
    page = visits.open(file, fragment="A=100")
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("() => document.activeElement.id"))
    for control in ("n", "spacing", "noise", "kind-sigma", "rate", "bound", "bound-default"):
        assert control in seen
    assert "picture-quantity" in seen
