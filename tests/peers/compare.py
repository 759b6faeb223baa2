"""Compare ReluGrad with the triangles of the libraries that are installed, bare and in their neurons.

``python -m tests.peers.compare`` fails where something differs from the record that the site shows.
With ``record`` it writes what it measures into the record. Names of libraries select these.
"""

import datetime
import json
import sys
from collections.abc import Iterator
from typing import Any
from unittest import SkipTest

import jax
import jax.numpy as jnp
import numpy as np
from tests.peers import neurons
from tests.peers.others import HERE, TORCH, TRIANGLES, Function, imported, surroundings, works

from relugrad import ReluGrad

RECORD = HERE.parents[1] / "docs/_data/peers.json"
POINTS = np.concatenate([np.linspace(-3, 3, 20_001), np.random.default_rng(0).normal(size=10_000)])
SCALES = [0.5, 1.0, 2.5]
PAIRS = [(1.0, 1.0), (4.0, 0.5), (0.25, 2.0), (0.3, 1.0), (2.0, 0.7)]  # the first three: area 1


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
        yield scaled(row, scale), eval(row["as_relugrad"], {"ReluGrad": ReluGrad} | parameters)
    for alpha, width in PAIRS[: 3 if "area" in row else None]:
        names: dict[str, Any] = {"alpha": alpha, "width": width}
        if "slope" in row:
            names = eval(f"dict({row['from_relugrad']})", names)
        call = row.get("slope", row["from_relugrad"])
        yield function(row, call, **names), ReluGrad(alpha, width)


def assert_the_same(row: dict[str, Any]) -> None:
    """The same spikes but at 0, and slopes that differ by two roundings of the peak at most."""
    for dtype in ("float32", "bfloat16", "float16"):
        for spike, relugrad in pairs(row):
            x = np.asarray(jnp.asarray(POINTS, dtype), np.float64)
            spikes, slopes = spikes_and_slopes(row, spike, x, dtype)
            expected = np.asarray(relugrad.surrogate_grad(jnp.asarray(x, dtype)), np.float64)
            rounding = float(jnp.finfo(dtype).eps) * float(relugrad.surrogate_grad(0.0))
            error = np.abs(slopes - expected).max()
            assert error <= 2 * rounding, (row["library"], dtype, relugrad)
            assert spikes is None or np.array_equal(spikes[x != 0], x[x != 0] > 0)


def behaviour(row: dict[str, Any]) -> dict[str, Any]:
    """What the page says of a function that can be called."""
    array = imported("torch").tensor if row["library"] in TORCH else jnp.asarray
    spike, negative = scaled(row, 1.0), scaled(row, -1.0)
    return {
        "spike at 0": int(spike(array(0.0))),
        "NaN": works(lambda: np.isnan(spike(array(np.nan)))),
        "error": not works(lambda: negative(array(1.0)) is not None),
    }


def transformations(row: dict[str, Any]) -> dict[str, bool]:
    """Whether JAX maps a triangle over its parameters, and differentiates it in forward mode."""
    x, scales = jnp.asarray(0.25), jnp.asarray(SCALES)
    slopes = [spikes_and_slopes(row, scaled(row, scale), x, "float32")[1] for scale in SCALES]
    forward, tangent = scaled(row, 1.0, "forward"), jnp.asarray(1.0)
    sweep = jax.vmap(lambda scale: jax.grad(scaled(row, scale))(x))
    return {
        "vmap": works(lambda: np.allclose(sweep(scales), slopes)),
        "jvp": works(lambda: np.isclose(jax.jvp(forward, (x,), (tangent,))[1], slopes[1])),
    }


def compare(row: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of a row of triangles.toml."""
    call = row["call"].removesuffix("(x)")
    measured: dict[str, Any] = {"library": row["library"], "call": f"`{call}`"}
    if "as_relugrad" in row:
        assert_the_same(row)
        measured["as ReluGrad"] = f"`{row['as_relugrad']}`"
        measured["from ReluGrad(alpha, width)"] = f"`{row['from_relugrad']}`"
        if "area" in row:
            measured["from ReluGrad(alpha, width)"] += " if `alpha = 1 / width**2`"
    if "module" in row:
        measured |= behaviour(row)
    if row in IN_JAX:
        measured |= transformations(row)
    return measured


def failed_checks(row: dict[str, Any]) -> list[str]:
    """Where it isn't what plain JAX gives, by the checks of relugrad.testing."""
    from tests.helpers import spike_rule  # uses JAX, so main divides the CPU before

    relugrad = eval(row["as_relugrad"], {"ReluGrad": ReluGrad} | row["defaults"])
    rule = spike_rule(scaled(row, 1.0), relugrad.surrogate_grad, parameters=[()], bad=[])
    checks: list[Any] = rule.checks()
    failed = []
    for check in checks:
        try:
            check()
        except SkipTest:
            pass
        except AssertionError:
            failed.append(check.__name__)
    # What `points` calls in other shapes fails with it.
    return [name for name in failed if not name.startswith(("no_axes", "shape_"))]


TEN_LINES: dict[str, Any] = {
    "library": "ten_lines",
    "module": "tests.peers.others",
    "call": "plain(alpha, width)(x)",
    "defaults": {"alpha": 0.3, "width": 1.0},
    "as_relugrad": "ReluGrad(alpha, width)",
}
IN_JAX = [row for row in TRIANGLES if "module" in row and row["library"] not in TORCH]


def key(row: dict[str, Any]) -> str:
    """What a triangle is called in the record."""
    return f"{row['library']} {row['call']}"


PARTS = {
    "triangles": (compare, {key(row): row for row in TRIANGLES}),
    "failed checks": (failed_checks, {key(row): row for row in [*IN_JAX, TEN_LINES]}),
    "neurons": (neurons.compare, {row["name"]: row for row in neurons.NEURONS}),
}


def main() -> None:
    """Compare with the record, or renew it."""
    jax.config.update("jax_num_cpu_devices", 2)  # type: ignore[no-untyped-call] # for a mesh
    record = json.loads(RECORD.read_text())
    libraries = [word for word in sys.argv[1:] if word != "record"]
    for part, (measure, rows) in PARTS.items():
        recorded = record[part]
        for name, row in rows.items():
            if libraries and row["library"] not in libraries:
                continue
            if not imported(row.get("module", "numpy")):
                continue
            measured = measure(row)
            print(name, measured, flush=True)
            if "record" in sys.argv:
                recorded[name] = measured
            assert recorded.get(name) == measured, "not as recorded"
        # In the order of the list, without what has left it
        record[part] = {name: recorded[name] for name in rows if name in recorded}
    if "record" in sys.argv:
        run = surroundings(libraries) | {"date": datetime.date.today().isoformat()}
        record["runs"][" ".join([run["python"][:4], *libraries])] = run
        RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
