"""Compare ReluGrad with the triangles of the libraries that are installed, and train their neurons.

``python -m tests.peers.compare`` fails where something differs from the record that the site shows,
and says which versions are newer; with ``--record`` it writes what it found into the record. Names
of libraries select these.
"""

import datetime
import importlib.util
import json
import runpy
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from tests.peers.others import (
    HERE,
    TORCH,
    TRIANGLES,
    Function,
    imported,
    newer,
    surroundings,
    versions,
)
from tests.peers.resets import resets

from relugrad import ReluGrad

RECORD = HERE.parents[1] / "docs/_data/peers.json"
LAWS = HERE.parents[1] / "docs/custom-derivatives/test_rule.py"
POINTS = np.concatenate([np.linspace(-3, 3, 20_001), np.random.default_rng(0).normal(size=10_000)])
SCALES = [0.5, 1.0, 2.5]
PAIRS = [(1.0, 1.0), (4.0, 0.5), (0.25, 2.0), (0.3, 1.0), (2.0, 0.7)]  # the first three: area 1


def name_of(row: dict[str, Any]) -> str:
    """A name for a row of triangles.toml."""
    return f"{row['library']} {row['call']}"


def function(row: dict[str, Any], call: str, **parameters: Any) -> Function:
    """A call or a formula of triangles.toml as a function of x."""
    names = vars(imported(row.get("module", "numpy"))) | parameters
    return lambda x: eval(call, names | {"x": x})


def scaled(row: dict[str, Any], scale: Any, key: str = "call") -> Function:
    """It with multiples of its default parameters."""
    parameters = {name: scale * value for name, value in row["defaults"].items()}
    return function(row, row.get("slope", row.get(key, row["call"])), **parameters)


def spikes_and_slopes(row: dict[str, Any], spike: Function, x: Any, dtype: str) -> tuple[Any, Any]:
    """Of a function of PyTorch or JAX; a formula has slopes alone."""
    if "slope" in row:
        return None, spike(np.asarray(jnp.asarray(x, dtype), np.float64))
    if row["library"] in TORCH:
        torch = imported("torch")
        potential = torch.tensor(x, dtype=getattr(torch, dtype)).requires_grad_()
        spikes = spike(potential)
        spikes.backward(torch.ones_like(spikes))
        return spikes.detach().double().numpy(), potential.grad.double().numpy()
    spikes, pullback = jax.vjp(spike, jnp.asarray(x, dtype))
    (slopes,) = pullback(jnp.ones_like(spikes))
    return np.asarray(spikes, np.float64), np.asarray(slopes, np.float64)


def pairs(row: dict[str, Any]) -> Iterator[tuple[Function, Any]]:
    """It and the ReluGrad that it is said to be, and the other way round."""
    for scale in SCALES:
        parameters = {name: scale * value for name, value in row["defaults"].items()}
        yield scaled(row, scale), eval(row["ours"], {"ReluGrad": ReluGrad} | parameters)
    for alpha, width in PAIRS[: 3 if "area" in row else None]:
        names: dict[str, Any] = {"alpha": alpha, "width": width}
        if "slope" in row:
            names = eval(f"dict({row['theirs']})", names)
        yield function(row, row.get("slope", row["theirs"]), **names), ReluGrad(alpha, width)


def assert_the_same(row: dict[str, Any]) -> None:
    """The same spikes but at 0, and slopes that differ by two roundings of the peak at most."""
    for dtype in ("float32", "bfloat16", "float16"):
        for theirs, ours in pairs(row):
            x = np.asarray(jnp.asarray(POINTS, dtype), np.float64)
            spikes, slopes = spikes_and_slopes(row, theirs, x, dtype)
            expected = np.asarray(ours.surrogate_grad(jnp.asarray(x, dtype)), np.float64)
            rounding = float(jnp.finfo(dtype).eps) * float(ours.surrogate_grad(0.0))
            assert np.abs(slopes - expected).max() <= 2 * rounding, (row["library"], dtype, ours)
            assert spikes is None or np.array_equal(spikes[x != 0], x[x != 0] > 0)


def works(check: Callable[[], Any]) -> str:
    """Whether it is true, and raises no error."""
    try:
        return "yes" if check() else "no"
    except (RuntimeError, TypeError, ValueError):
        return "no"


def behaviour(row: dict[str, Any]) -> dict[str, Any]:
    """What the table says of a function that can be called."""
    lib, array = imported("jax"), jnp.asarray
    if row["library"] in TORCH:
        torch = imported("torch")
        lib, array = torch.func, torch.tensor
    x, one = array(0.25), array(1.0)
    slopes = [spikes_and_slopes(row, scaled(row, s), 0.25, "float32")[1] for s in SCALES]
    sweep = lib.vmap(lambda scale: lib.grad(scaled(row, scale))(x))
    forward = scaled(row, 1.0, "forward")
    return {
        "spike at 0": str(int(scaled(row, 1.0)(array(0.0)))),
        "vmap": works(lambda: np.allclose(sweep(array(SCALES)), slopes)),
        "jvp": works(lambda: np.isclose(lib.jvp(forward, (x,), (one,))[1], slopes[1])),
        "NaN": works(lambda: np.isnan(scaled(row, 1.0)(array(np.nan)))),
        "error": {"yes": "no", "no": "yes"}[works(lambda: scaled(row, -1.0)(one) is not None)],
    }


def laws(row: dict[str, Any]) -> dict[str, str]:
    """Which laws of a custom derivative it keeps, as a function of x and its first parameter."""
    first, *others = row["defaults"]
    fixed = {name: row["defaults"][name] for name in others}
    # Each in a module of its own, because JAX remembers what a function of the file was traced to.
    file = importlib.util.spec_from_file_location("laws", LAWS)
    assert file
    assert file.loader
    module: Any = importlib.util.module_from_spec(file)
    file.loader.exec_module(module)

    def ours(parameter: Any) -> ReluGrad:
        return eval(row["ours"], {"ReluGrad": ReluGrad, first: parameter} | fixed)

    module.function = lambda x, p: function(row, row["call"], **fixed, **{first: p})(x)
    module.expected_value = lambda x, p: x >= 0
    module.expected_slope = lambda x, p: ours(p).surrogate_grad(x)
    module.BAD = -1.0, 0.0, jnp.inf
    found = {}
    for name, law in vars(module).items():
        if name.startswith("test_"):
            try:
                law()
                kept = "yes"
            except (AssertionError, RuntimeError, TypeError, ValueError):
                kept = "no"
            found[name.removeprefix("test_").replace("_", " ")] = kept
    return found


def compare(row: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of a row of triangles.toml."""
    default = eval(row.get("ours", "'none'"), {"ReluGrad": ReluGrad} | row["defaults"])
    library = f"{row['library']} {versions().get(row['library'], '')}".strip()
    found: dict[str, Any] = {"library": library, "call": f"`{row['call'].removesuffix('(x)')}`"}
    if "ours" in row:
        assert_the_same(row)
        found["alpha, width"] = f"`{row['ours'].removeprefix('ReluGrad')}`"
        found["as ReluGrad(alpha, width)"] = f"`{row['theirs']}`"
    found |= {} if "slope" in row else behaviour(row)
    if "module" in row and row["library"] not in TORCH:
        found["laws"] = laws(row)
    return found | {"default": str(default)}


DROP_IN = {
    "brainpy": ("braintools.surrogate", "ReluGrad(alpha, width)", (0.5, 1.0)),
    "spyx": ("spyx.axn", "triangular(1 / width)", (2.0, 0.5)),
}


def assert_drop_in(library: str) -> None:
    """The network on the page trains equally with the library's own triangle and with ours."""
    module, call, (alpha, width) = DROP_IN[library]
    train = runpy.run_path(str(HERE / f"train_{library}.py"))["train"]
    theirs = eval(call, vars(imported(module)) | {"alpha": alpha, "width": width})
    losses = [train(s) for s in (theirs, ReluGrad(alpha, width), ReluGrad(alpha, 2 * width))]
    equal, other = (float(abs(found - losses[0]).max()) for found in losses[1:])
    print(f"{library} trained with its own triangle and with ours: {equal:.1e} apart")
    assert equal <= 1e-5
    assert other > 1e-3


def assert_in_torch() -> None:
    """A neuron with the triangle that the page writes in PyTorch spikes and learns as with ours."""
    torch, page = imported("torch"), runpy.run_path(str(HERE / "in_torch.py"))
    potential = np.float32(POINTS)
    expected = np.asarray(ReluGrad(0.3, 1.0).surrogate_grad(potential - 1))
    for neuron, gain in ((page["leaky"], 1), (page["lif"], 2)):  # that of SpikingJelly halves it
        x = torch.tensor(potential).requires_grad_()
        output = neuron(gain * x)
        spikes = output[0] if isinstance(output, tuple) else output
        spikes.sum().backward()
        assert np.array_equal(spikes.detach().numpy(), potential >= 1)
        assert np.abs(x.grad.numpy() - expected).max() <= 1e-7


def main() -> None:
    """Compare with the record, or renew it."""
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {"runs": {}, "rows": {}}
    chosen = [name for name in sys.argv[1:] if name != "--record"]
    everything = {row["library"] for row in TRIANGLES} | set(DROP_IN)
    libraries = set(chosen) or everything
    here = [row for row in TRIANGLES if row["library"] in libraries]
    here = [row for row in here if imported(row.get("module", "numpy"))]
    rows = {name_of(row): compare(row) for row in here}
    found = {name: row for name, row in resets().items() if row["library"].split()[0] in libraries}
    if "--record" in sys.argv:
        now: dict[str, Any] = surroundings() | {"date": datetime.date.today().isoformat()}
        now["versions"] = {
            name: version
            for name, version in now["versions"].items()
            if not chosen or name in (*chosen, "relugrad", "jax")
        }
        record["runs"][" ".join([now["python"][:4], *chosen])] = now
        every = record["rows"] | rows
        record["rows"] = {name: every[name] for name in map(name_of, TRIANGLES) if name in every}
        record["resets"] = record.get("resets", {}) | found
        RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    recorded = {name: v for run in record["runs"].values() for name, v in run["versions"].items()}
    print(*newer(recorded), sep="\n")
    for name, row in rows.items():
        print(*row.values(), sep=" | ")
        assert row | {"library": ""} == record["rows"][name] | {"library": ""}, "not as recorded"
    for name, row in found.items():
        print(*row.values(), sep=" | ")
        same = [record["resets"][name][key] == row[key] for key in ("reset", "gradient")]
        assert all(same), "not as recorded"
    for library in filter(imported, libraries & set(DROP_IN)):
        assert_drop_in(library)
    if imported("snntorch"):
        assert_in_torch()


if __name__ == "__main__":
    main()
