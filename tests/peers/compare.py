"""Compare ReluGrad with the triangles of the libraries that are installed, bare and in their neurons.

``python -m tests.peers.compare`` fails where something differs from the record that the site shows,
and says which versions are newer; with ``--record`` it writes what it found into the record. Names
of libraries select these.
"""

import datetime
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from unittest import SkipTest

import jax
import jax.numpy as jnp
import numpy as np
from tests.peers import neurons, others
from tests.peers.others import HERE, TORCH, Function, imported, versions, works

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


def compare(row: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of a row of triangles.toml."""
    library = f"{row['library']} {versions().get(row['library'], '')}".strip()
    found: dict[str, Any] = {"library": library, "call": f"`{row['call'].removesuffix('(x)')}`"}
    if "ours" in row:
        assert_the_same(row)
        found["as ReluGrad"] = f"`{row['ours']}`"
        found["from ReluGrad(alpha, width)"] = f"`{row['theirs']}`"
        if "area" in row:
            found["from ReluGrad(alpha, width)"] += " if `alpha = 1 / width**2`"
    return found | ({} if "slope" in row else behaviour(row))


def programs(row: dict[str, Any]) -> dict[str, Any]:
    """Where it isn't what plain JAX gives, by the file with which readers check a rule."""
    from tests.test_rule_checks import named, spike  # uses JAX, so main divides the CPU before

    ours = eval(row["ours"], {"ReluGrad": ReluGrad} | row["defaults"])
    rule = spike(scaled(row, 1.0), ours.surrogate_grad, parameters=[()], bad=[])

    def passes(check: Function) -> bool:
        with suppress(SkipTest):
            check()
        return True

    names = [name for name, check in named(rule).items() if works(partial(passes, check)) == "no"]
    calls = ("no_axes", "shape_0", "shape_60_90", "shape_3_1_4_5")
    return {
        "library": f"{row['library']} {versions().get(row['library'], '')}".strip(),
        "differs in": list(dict.fromkeys("points" if n in calls else n for n in names)),
    }


TEN_LINES: dict[str, Any] = {
    "library": "ten_lines",
    "module": "tests.peers.others",
    "call": "plain(alpha, width)(x)",
    "defaults": {"alpha": 0.3, "width": 1.0},
    "ours": "ReluGrad(alpha, width)",
}
IN_JAX = [row for row in others.TRIANGLES if "module" in row and row["library"] not in TORCH]

PARTS = {
    "rows": (compare, {f"{row['library']} {row['call']}": row for row in others.TRIANGLES}),
    "programs": (
        programs,
        {f"{row['library']} {row['call']}": row for row in [*IN_JAX, TEN_LINES]},
    ),
    "neurons": (neurons.compare, {row["name"]: row for row in neurons.READ["neuron"]}),
}


def main() -> None:
    """Compare with the record, or renew it."""
    jax.config.update("jax_num_cpu_devices", 2)  # type: ignore[no-untyped-call] # for a mesh
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {"runs": {}}
    chosen = [name for name in sys.argv[1:] if name != "--record"]
    for part, (measure, rows) in PARTS.items():
        kept = record.setdefault(part, {})
        for name, row in rows.items():
            wanted = not chosen or row["library"] in chosen
            if not wanted or not imported(row.get("module", "numpy")):
                continue
            found = measure(row)
            print(*found.values(), sep=" | ", flush=True)
            if "--record" in sys.argv:
                kept[name] = found
            else:
                before, now = kept.get(name, {}) | {"library": ""}, found | {"library": ""}
                assert now == before, "not as recorded"
    if "--record" in sys.argv:
        run: dict[str, Any] = others.surroundings() | {"date": datetime.date.today().isoformat()}
        run["versions"] = {
            name: version
            for name, version in run["versions"].items()
            if not chosen or name in (*chosen, "relugrad", "jax")
        }
        record["runs"][" ".join([run["python"][:4], *chosen])] = run
        for part, (_, rows) in PARTS.items():
            record[part] = {name: record[part][name] for name in rows if name in record[part]}
        RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    recorded = {name: v for run in record["runs"].values() for name, v in run["versions"].items()}
    print(*others.newer(recorded), sep="\n")


if __name__ == "__main__":
    main()
