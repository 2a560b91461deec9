"""Bad inputs as data: files to write, command-line arguments, and what the message must say.

Each case is run through `dsmverify.data.read_instances` and through the command line. In
`arguments` a name of `files` stands for the path of that file.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class BadInput:
    """One bad input.

    Args:
        name: what is wrong.
        files: content of each file.
        arguments: command-line form; a file's name stands for its path.
        says: regular expressions, each found in the message: the argument with its value, the rule,
            the way out.
        line: line of the file that the message names.
    """

    name: str
    files: Mapping[str, bytes]
    arguments: tuple[str, ...]
    says: tuple[str, ...]
    line: int | None = None

    def write(self, folder: Path) -> list[str]:
        """Write the files; the arguments with their paths."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return [str(folder / a) if a in self.files else a for a in self.arguments]


def npy(values: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(values, **options), allow_pickle=True)
    return buffer.getvalue()


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{k: np.asarray(v) for k, v in arrays.items()})
    return buffer.getvalue()


SIGMA = ("--sigma", "0.1")
GOOD = b"x\n0.1\n0.2\n"


def csv_case(
    name: str,
    content: bytes,
    *says: str,
    line: int | None = None,
    options: tuple[str, ...] = SIGMA,
) -> BadInput:
    return BadInput(name, {"d.csv": content}, ("d.csv", *options), says, line)


def option_case(name: str, *arguments: str, says: tuple[str, ...]) -> BadInput:
    return BadInput(name, {"d.csv": GOOD}, ("d.csv", *arguments), says)


def text_case(name: str, text: str, *says: str, line: int | None = None) -> BadInput:
    return BadInput(name, {"i.json": text.encode()}, ("i.json",), says, line)


def json_case(name: str, change: Mapping[str, Any], *says: str) -> BadInput:
    instance = {"x": [0, 1, 2], "sigma": "0.1"} | dict(change)
    kept = {k: v for k, v in instance.items() if v is not ...}
    return text_case(name, json.dumps(kept), *says)


NET = {"inner_weights": [1, -1], "biases": [0, "0.5"], "outer_weights": [1, 2]}


def net_case(name: str, change: Mapping[str, Any], *says: str) -> BadInput:
    network = {k: v for k, v in (NET | dict(change)).items() if v is not ...}
    return json_case(name, {"network": network}, *says)


def npz_case(name: str, content: bytes, *says: str) -> BadInput:
    return BadInput(
        name, {"d.csv": GOOD, "n.npz": content}, ("d.csv", *SIGMA, "--network", "n.npz"), says
    )


def npy_case(name: str, content: bytes, *says: str) -> BadInput:
    return BadInput(name, {"d.npy": content}, ("d.npy", *SIGMA), says)


def number_case(name: str, text: str, *says: str) -> BadInput:
    return csv_case(f"number: {name}", f"x\n0.1\n{text}\n".encode(), *says, line=3)


CSV_CASES = (
    csv_case("empty file", b"", r"d\.csv: sample: the file is empty", "give a file"),
    csv_case("white space only", b"\n \n\n", "sample: the file is empty", "give a file"),
    csv_case("byte order mark only", b"\xef\xbb\xbf", "sample: the file is empty", "give a file"),
    csv_case("header only", b"x\n", "sample: no points", "at least 2 points", "give a sample"),
    csv_case("one point", b"x\n0.3\n", "sample: 1 point, but at least 2", "give a sample"),
    csv_case(
        "ties",
        b"x\n0.2\n0.1\n0.20\n",
        "sample: line 2 == line 4 == 0.2, but",
        "minimum spacing must be positive",
        "--drop-ties",
    ),
    csv_case(
        "all equal",
        b"1\n1\n1\n",
        "all 3 points equal 1",
        "2 distinct points",
        "different values",
        options=(*SIGMA, "--drop-ties"),
    ),
    csv_case(
        "text in the column",
        b"x\n0.1\nabc\n",
        r"column 'x': 'abc', but it must be a number",
        "write a finite decimal",
        line=3,
    ),
    csv_case(
        "empty field", b'x\n0.1\n""\n0.2\n', "column 'x': '', but", "empty", "fill in", line=3
    ),
    csv_case(
        "empty field among columns",
        b"a,x\ns,0.1\nt,\nu,0.2\n",
        "column 'x': ''",
        "must not be empty",
        "remove the entry",
        line=3,
    ),
    csv_case("all text", b"x\nabc\ndef\n", "column 'x': 'abc'", "must be a number", "0.25", line=2),
    csv_case("no column of numbers", b"a,b\ns,t\n", "sample: no column has numbers", "'a', 'b'"),
    csv_case(
        "two columns of numbers",
        b"a,b\n0.1,0.3\n0.2,0.4\n",
        "2 columns have numbers",
        "--column",
        "'a', 'b'",
    ),
    csv_case(
        "two columns without header",
        b"0.1,0.3\n0.2,0.4\n",
        "2 columns have numbers",
        "--column",
        "2 columns and no header",
    ),
    csv_case(
        "missing column",
        b"alpha,b\n0.1,0.3\n0.2,0.4\n",
        "--column: 'alhpa', but there is no such column",
        "did you mean 'alpha'",
        "'alpha', 'b'",
        options=(*SIGMA, "--column", "alhpa"),
    ),
    csv_case(
        "column number too large",
        b"a,b\n0.1,0.3\n0.2,0.4\n",
        "--column: '3', but there is no such column",
        "'a', 'b'",
        options=(*SIGMA, "--column", "3"),
    ),
    csv_case(
        "column number 0",
        b"0.1,0.3\n0.2,0.4\n",
        "--column: '0', but there is no such column",
        "2 columns and no header",
        options=(*SIGMA, "--column", "0"),
    ),
    csv_case(
        "column name without header",
        b"0.1,0.3\n0.2,0.4\n",
        "--column: 'a', but there is no such column",
        "no header",
        options=(*SIGMA, "--column", "a"),
    ),
    csv_case(
        "column name twice",
        b"a,a\n0.1,0.3\n0.2,0.4\n",
        "--column: 'a', but 2 columns have this name",
        "by number",
        options=(*SIGMA, "--column", "a"),
    ),
    csv_case(
        "text in the chosen column",
        b"a,b\n0.1,x\n0.2,0.4\n",
        "column 'b': 'x', but it must be a number",
        "0.25",
        line=2,
        options=(*SIGMA, "--column", "b"),
    ),
    csv_case(
        "ragged, short", b"a,b\ns,1\n2\n", "CSV: 1 fields, but the first row has 2", "same", line=3
    ),
    csv_case(
        "ragged, long",
        b"a,b\ns,1\nt,2,3\n",
        "CSV: 3 fields, but the first row has 2",
        "every row",
        line=3,
    ),
    csv_case(
        "decimal comma splits", b"x\n0,5\n0,7\n", "2 fields", "decimal comma", "write 0.5", line=2
    ),
    csv_case(
        "decimal comma without header", b"0,5\n0,7\n", "2 columns have numbers", "decimal comma"
    ),
    csv_case(
        "decimal comma quoted",
        b'x\n0.1\n"0,5"\n',
        "column 'x': '0,5', but a decimal comma is not read",
        "write decimal points",
        line=3,
    ),
    csv_case(
        "semicolons",
        b"a;b\n0,1;2\n0,2;3\n",
        "'a;b', but fields are separated by semicolons",
        "by commas",
        line=1,
    ),
    csv_case("tabs", b"a\tb\n1\t2\n", "fields are separated by tabs", "by commas", line=1),
    csv_case(
        "header or not", b"0.1,a\n0.2,b\n", "'0.1,a', but the first row is partly", "header", line=1
    ),
    csv_case("open quote", b'x\n0.1\n"0.2\n', "CSV: the line cannot be read", "quotes"),
    csv_case("latin-1", b"gr\xf6\xdfe\n0.1\n0.2\n", "byte 0xf6", "UTF-8", "save it", line=1),
    csv_case("UTF-16", "x\n0.1\n0.2\n".encode("utf-16"), "UTF-16, but", "UTF-8", "save it"),
    csv_case(
        "zero byte", b"x\n0.1\n0.\x002\n", r"d\.csv, line 3", "must be a number|cannot be read"
    ),
    csv_case(
        "10^6 points",
        b"x\n" + b"\n".join(b"%d" % i for i in range(10**6)) + b"\n",
        "more than 10000 distinct points",
        "at most 10000 are read",
        "subsample",
    ),
)

NUMBER_CASES = (
    number_case("NaN", "NaN", "column 'x': 'NaN', but it must be finite", "remove the entry"),
    number_case("inf", "inf", "column 'x': 'inf', but it must be finite", "remove the entry"),
    number_case("minus infinity", "-Infinity", "'-Infinity', but it must be finite", "remove"),
    number_case("exponent", "1e5001", "'1e5001', but a decimal exponent", "5000", "rescale"),
    number_case("negative exponent", "1e-5001", "'1e-5001', but a decimal exponent", "rescale"),
    number_case("huge exponent", "1e" + "9" * 1000, "1004 characters|1002 characters", "rescale"),
    number_case("4001 digits", "0." + "1" * 4000, "4000 digits are read, and it has 4001", "round"),
    number_case("4001-digit ratio", "1/" + "3" * 4001, "4000 digits", "round it"),
    number_case("zero denominator", "1/0", "'1/0', but a denominator must not be 0", "1/3"),
    number_case("hexadecimal", "0x1p-3", "'0x1p-3', but it must be a number", "0.25"),
    number_case("underscore", "1_000", "'1_000', but it must be a number", "0.25"),
    number_case("thousands", '"1.234,5"', "'1.234,5', but a decimal comma", "decimal points"),
    number_case("typographic minus", "\u22121", "'\u22121', but it must be a number", "0.25"),
    number_case("two numbers", "0.1 0.2", "'0.1 0.2', but it must be a number", "0.25"),
    number_case("unit", "5 cm", "'5 cm', but it must be a number", "0.25"),
    number_case("Arabic digits", "\u0661", "must be a number", "0.25"),
)

RANGE = "strictly between 0 and 1"
OPTION_CASES = (
    option_case("no noise level", says=("noise level: a sample has none", "--sigma", "--time")),
    option_case("sigma 0", "--sigma", "0", says=("sigma: 0, but", RANGE, "give sigma in")),
    option_case("sigma 1", "--sigma", "1", says=("sigma: 1, but", RANGE, "rescale")),
    option_case("sigma -0.1", "--sigma=-0.1", says=(r"sigma: -0\.1, but", RANGE, "rescale")),
    option_case("sigma 1.5", "--sigma", "1.5", says=(r"sigma: 1\.5, but", RANGE, "rescale")),
    option_case("sigma text", "--sigma", "small", says=("sigma: 'small', but it must be", "0.25")),
    option_case("sigma comma", "--sigma", "0,1", says=("sigma: '0,1', but a decimal comma", "0.5")),
    option_case(
        "sigma NaN", "--sigma", "nan", says=("sigma: 'nan', but it must be finite", "number")
    ),
    option_case("mu alone", "--mu", "0.9", says=(r"mu: 0\.9, but mu alone", "--sigma", "--time")),
    option_case("mu 0", "--mu", "0", *SIGMA, says=("mu: 0, but", RANGE, "give mu in")),
    option_case("mu 1", "--mu", "1", *SIGMA, says=("mu: 1, but", RANGE, "give mu in")),
    option_case("mu negative", "--mu=-0.5", *SIGMA, says=(r"mu: -0\.5, but", RANGE, "give mu in")),
    option_case(
        "time and mu", "--time", "0.1", "--mu", "0.9", says=(r"time = 0\.1 and mu = 0\.9", "either")
    ),
    option_case(
        "time and sigma",
        "--time",
        "0.1",
        *SIGMA,
        says=(r"time = 0\.1 and sigma = 0\.1", "not both"),
    ),
    option_case("time 0", "--time", "0", says=("time: 0, but it must be positive", "t > 0")),
    option_case("time negative", "--time=-1", says=("time: -1, but it must be positive", "t > 0")),
    option_case(
        "learning rate 0",
        *SIGMA,
        "--learning-rate",
        "0",
        says=("--learning-rate: '0', but it must be positive", "eta > 0"),
    ),
    option_case(
        "learning rate negative",
        *SIGMA,
        "--learning-rate=-0.1",
        says=(r"--learning-rate: '-0\.1', but it must be positive", "eta > 0"),
    ),
    option_case(
        "learning rate text",
        *SIGMA,
        "--learning-rate",
        "fast",
        says=("learning_rate: 'fast', but it must be a number", "0.25"),
    ),
    BadInput(
        "no such file",
        {},
        ("nowhere.csv", *SIGMA),
        ("DATA: 'nowhere.csv', but there is no such file", "name a file"),
    ),
    BadInput("a folder", {}, (".", *SIGMA), ("DATA: '.', but data are read from", "save")),
    BadInput(
        "unknown kind",
        {"d.xlsx": b"PK"},
        ("d.xlsx", *SIGMA),
        (r"DATA: '.*d\.xlsx', but data are read from", "save the sample as a CSV"),
    ),
    BadInput(
        "network given as data",
        {"n.npz": b""},
        ("n.npz", *SIGMA),
        (r"DATA: '.*n\.npz', but data are read from", "--network"),
    ),
    BadInput(
        "column of an array",
        {"d.npy": npy([0.1, 0.2])},
        ("d.npy", *SIGMA, "--column", "x"),
        ("--column: 'x', but only CSV files have columns", "leave --column out"),
    ),
)

JSON_CASES = (
    text_case("JSON: empty file", "", r"i\.json: instance: the file is empty", "write"),
    text_case(
        "JSON: syntax", '{"x": [1, 2],\n "sigma" 0.1}', "syntax error at column", "correct", line=2
    ),
    text_case("JSON: a number", "3", "instance: 3, but it must be a JSON object", "write"),
    text_case("JSON: empty list", "[]", r"instances: \[\], but the list is empty", "at least one"),
    text_case(
        "JSON: bad second instance",
        '[{"x": [0, 1], "sigma": 0.5}, {"x": [0], "sigma": 0.5}]',
        "instance 2: sample: 1 point",
        "at least 2",
    ),
    text_case(
        "JSON: key twice", '{"x": [0, 1], "x": [0, 2]}', r"x: \[0, 2\], but .* given twice", "keep"
    ),
    text_case("JSON: nested", "[" * 100_000, "JSON: the text is nested too deeply", "write"),
    text_case(
        "JSON: long integer",
        '{"x": [0, ' + "1" * 4001 + '], "sigma": "0.1"}',
        r"x\[1\]: '1+",
        "4000 digits",
        "round it",
    ),
    text_case(
        "JSON: NaN",
        '{"x": [0, NaN], "sigma": "0.1"}',
        r"x\[1\]: nan, but it must be finite",
        "remove",
    ),
    text_case(
        "JSON: overflowing number",
        '{"x": [0, 1e400], "sigma": "0.1"}',
        r"x\[1\]: 1e400, but .* overflows",
        "as a string",
    ),
    text_case(
        "JSON: exponent of a number",
        '{"x": [0, 1e5001], "sigma": "0.1"}',
        r"x\[1\]: '1e5001', but a decimal exponent",
        "rescale",
    ),
    json_case("JSON: no x", {"x": ...}, "x: an instance needs its sample", 'add "x"'),
    json_case("JSON: x text", {"x": "0.1"}, "x: '0.1', but it must be a list", "write"),
    json_case("JSON: x empty", {"x": []}, "sample: no points, but at least 2", "give a sample"),
    json_case(
        "JSON: entry true", {"x": [0, True]}, r"x\[1\]: True, but it must be a number", "1/3"
    ),
    json_case(
        "JSON: entry null", {"x": [0, None]}, r"x\[1\]: None, but it must be a number", "1/3"
    ),
    json_case("JSON: entry list", {"x": [0, [1]]}, r"x\[1\]: \[1\], but it must be", "1/3"),
    json_case(
        "JSON: ties", {"x": [1, "0.2", 0.5, "1/5"]}, r"x\[1\] == x\[3\] == 0\.2", "--drop-ties"
    ),
    json_case("JSON: no noise", {"sigma": ...}, "noise level: there is none", "--time"),
    json_case("JSON: mu alone", {"sigma": ..., "mu": "0.9"}, r"mu: 0\.9, but mu alone", "sigma"),
    json_case("JSON: time and sigma", {"time": 1}, r"time = 1 and sigma = 0\.1", "not both"),
    json_case("JSON: sigma 2", {"sigma": 2}, "sigma: 2, but", RANGE, "give sigma in"),
    json_case(
        "JSON: unknown key",
        {"learning-rate": 1},
        "learning-rate: 1, but this key is unknown",
        "did you mean 'learning_rate'",
    ),
    json_case("JSON: learning rate 0", {"learning_rate": 0}, "learning_rate: 0, but", "eta > 0"),
    json_case("JSON: at", {"at": ["here"]}, r"at\[0\]: 'here', but it must be a number", "1/3"),
    json_case(
        "JSON: unknown parameter",
        {"parameters": {"bta": 1}},
        r"parameters\.bta: 1, but this key is unknown",
        "did you mean 'beta'",
    ),
    json_case(
        "JSON: k 0", {"parameters": {"k": 0}}, r"parameters\.k: 0, but .*positive int", "k >= 1"
    ),
    json_case(
        "JSON: i 4", {"parameters": {"i": 4}}, r"parameters\.i: 4, but .*3 points", "1 and 3"
    ),
    json_case(
        "JSON: f", {"parameters": {"f": 1}}, r"parameters\.f: 1, but it must be a list", "write"
    ),
    json_case(
        "JSON: batch 4", {"batch": {"size": 4}}, r"batch\.size: 4, but", "at most 3", "replacement"
    ),
    json_case("JSON: batch 0", {"batch": {"size": 0}}, r"batch\.size: 0, but", "positive", ">= 1"),
    json_case(
        "JSON: reduction",
        {"batch": {"reduction": "avg"}},
        r"batch\.reduction: 'avg', but",
        "'mean'",
    ),
    json_case(
        "JSON: replacement", {"batch": {"replacement": 1}}, r"batch\.replacement: 1, but", "true or"
    ),
    json_case(
        "JSON: batch key", {"batch": {"sise": 1}}, r"batch\.sise: 1, but", "did you mean 'size'"
    ),
    json_case(
        "JSON: batch a number", {"batch": 3}, "batch: 3, but it must be a JSON object", "write"
    ),
    BadInput(
        "JSON: noise given twice",
        {"i.json": b'{"x": [0, 1], "sigma": "0.1"}'},
        ("i.json", *SIGMA),
        (r"i\.json: --sigma: 0\.1, but an instance file carries its own", "leave --sigma out"),
    ),
    BadInput(
        "JSON: learning rate given twice",
        {"i.json": b'{"x": [0, 1], "sigma": "0.1", "learning_rate": 1}'},
        ("i.json", "--learning-rate", "0.1"),
        ("--learning-rate: .* has its own", "leave --learning-rate out"),
    ),
    BadInput(
        "JSON: latin-1",
        {"i.json": b'{"x": [0, 1],\n "s\xf6": 1}'},
        ("i.json",),
        ("byte 0xf6, but", "UTF-8", "save it"),
        2,
    ),
)

NETWORK_CASES = (
    net_case(
        "network: lengths", {"biases": [0]}, "2 inner_weights, 1 biases, 2 outer", "same length"
    ),
    net_case(
        "network: inner weight 0",
        {"inner_weights": [1, 0]},
        r"network\.inner_weights\[1\]: 0, but",
        "must not be 0",
        "remove the neuron",
    ),
    net_case(
        "network: above the bound",
        {"bound": "1.5"},
        r"network\.outer_weights\[1\]: 2, but",
        r"bound A = 1\.5",
        "raise network.bound",
    ),
    net_case(
        "network: bound 0", {"bound": 0}, r"network\.bound: 0, but", "positive", "leave it out"
    ),
    net_case(
        "network: unknown key",
        {"outer_weight": [1]},
        r"network\.outer_weight: \[1\], but",
        "did you mean 'outer_weights'",
    ),
    net_case("network: missing", {"biases": ...}, r"network\.biases: it is missing", "give inner"),
    net_case("network: text", {"biases": [0, "b"]}, r"network\.biases\[1\]: 'b', but", "0.25"),
    net_case(
        "network: empty",
        {"inner_weights": [], "biases": [], "outer_weights": []},
        "network: 0 neurons, but",
        "at least one",
        "leave the network out",
    ),
    json_case(
        "network: a list", {"network": [1]}, r"network: \[1\], but it must be a JSON", "write"
    ),
    npz_case(
        "npz: missing array",
        npz(inner_weights=[1.0], biases=[0.0]),
        r"n\.npz: network\.outer_weights",
        "this array is missing",
        "save inner_weights",
    ),
    npz_case(
        "npz: unknown array",
        npz(inner_weights=[1.0], biases=[0.0], outer_weights=[0.0], outer_bias=[1.0]),
        r"network\.outer_bias: this array is unknown",
        "the names are",
    ),
    npz_case(
        "npz: lengths",
        npz(inner_weights=[1.0, 2.0], biases=[0.0], outer_weights=[0.0]),
        "2 inner_weights, 1 biases",
        "same length",
    ),
    npz_case(
        "npz: matrix",
        npz(inner_weights=[[1.0, 2.0]], biases=[0.0, 0.0], outer_weights=[0.0, 1.0]),
        r"shape \(1, 2\), but it must be one-dimensional",
        "ravel",
    ),
    npz_case(
        "npz: NaN",
        npz(inner_weights=[1.0], biases=[np.nan], outer_weights=[0.0]),
        r"network\.biases\[0\]: nan, but it must be finite",
        "remove",
    ),
    npz_case(
        "npz: text",
        npz(inner_weights=["a"], biases=[0.0], outer_weights=[0.0]),
        r"network\.inner_weights: an array of dtype",
        "real numbers",
        "astype",
    ),
    npz_case(
        "npz: damaged", b"PK\x03\x04nonsense", r"--network: '.*n\.npz', but it cannot", "savez"
    ),
    npz_case("npz: one array", npy([1.0]), "it is a single array", "savez"),
    BadInput(
        "network: other file",
        {"d.csv": GOOD, "n.h5": b""},
        ("d.csv", *SIGMA, "--network", "n.h5"),
        (r"--network: '.*n\.h5', but networks are read from", "numpy.savez"),
    ),
    BadInput(
        "network: no such file",
        {"d.csv": GOOD},
        ("d.csv", *SIGMA, "--network", "none.npz"),
        ("--network: 'none.npz', but there is no such file", "name a file"),
    ),
    BadInput(
        "network: given twice",
        {
            "i.json": json.dumps({"x": [0, 1], "sigma": "0.1", "network": NET}).encode(),
            "n.npz": npz(inner_weights=[1.0], biases=[0.0], outer_weights=[0.0]),
        },
        ("i.json", "--network", "n.npz"),
        ("--network: .* has its own", "leave --network out"),
    ),
)

NPY_CASES = (
    npy_case("npy: matrix", npy([[0.1, 0.2]]), r"d\.npy: x: an array of shape \(1, 2\)", "ravel"),
    npy_case("npy: scalar", npy(0.1), r"x: an array of shape \(\)", "one-dimensional", "column"),
    npy_case(
        "npy: empty", npy([], dtype=float), "sample: no points", "at least 2", "give a sample"
    ),
    npy_case("npy: text", npy(["a", "b"]), "x: an array of dtype", "real numbers", "astype"),
    npy_case(
        "npy: complex", npy([1j, 2j]), "x: an array of dtype complex", "real numbers", "astype"
    ),
    npy_case("npy: booleans", npy([True, False]), "dtype bool", "real numbers", "astype"),
    npy_case("npy: objects", npy([1, "a"], dtype=object), "holds Python objects", "numpy.save"),
    npy_case("npy: NaN", npy([0.1, np.nan]), r"x\[1\]: nan, but it must be finite", "remove"),
    npy_case("npy: infinity", npy([-np.inf, 0.1]), r"x\[0\]: -inf, but it must be", "remove"),
    npy_case("npy: ties", npy([0.5, 0.25, 0.5]), r"x\[0\] == x\[2\] == 0\.5", "--drop-ties"),
    npy_case("npy: not NumPy", b"hello", "cannot be read as a NumPy array", "numpy.save"),
    npy_case("npy: empty file", b"", "cannot be read as a NumPy array", "numpy.save"),
    npy_case(
        "npy: cut off", npy(np.arange(100.0))[:200], "cannot be read as a NumPy", "numpy.save"
    ),
    npy_case("npy: 10^6 points", npy(np.arange(1e6)), "more than 10000 distinct", "subsample"),
)

CASES = (
    *CSV_CASES,
    *NUMBER_CASES,
    *OPTION_CASES,
    *JSON_CASES,
    *NETWORK_CASES,
    *NPY_CASES,
)
