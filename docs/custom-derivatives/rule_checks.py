"""Check rules of jax.custom_vjp and jax.custom_jvp: import `Rule`. From relugrad, Apache-2.0."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest import SkipTest

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, PartitionSpec

__version__ = "1.0.0"
DTYPES = ["float16"], ["bfloat16"], ["float32"], ["bfloat16", "float32"]  # the last: of pytrees
FACTORS = np.array([0.8, 1.0, 1.1, 1.3], "float32")  # of NumPy: importing this doesn't start JAX
leaves, structure, tree_map = jax.tree.leaves, jax.tree.structure, jax.tree.map
stop = jax.lax.stop_gradient
# Arrays multiplied; multiples of them along a new axis; arrays of these types, in turn; their types
times = lambda factor, tree: tree_map(lambda a: jnp.asarray(factor, a.dtype) * a, tree)
rows = lambda tree, axis=0: jax.vmap(times, (0, None), axis)(FACTORS, tree)
cast = lambda tree, *to: structure(tree).unflatten(map(jnp.asarray, leaves(tree), 99 * to))
types = lambda tree: [jnp.result_type(a).name for a in leaves(tree)]
weighted = lambda tree: ravel_pytree(tree)[0] @ ravel_pytree(weights(tree))[0]
loss = lambda f: lambda *a: weighted(f(*a))
vmap = lambda f, x: jax.vmap(f)(rows(x))
scan = lambda f, rows: jax.lax.scan(lambda _, row: (None, f(row)), None, rows)[1]


def weights(tree, size=1.0):
    flat, unravel = ravel_pytree(tree)
    return unravel((size * jnp.cos(1 + jnp.arange(flat.size))).astype(flat.dtype))


def around(tree):  # a few roundings up and down, also from 0: the same to a right function
    for seed, sign in (0, 1), (0, -1), (1, 1), (1, -1):
        steps = sign * np.random.default_rng(seed).uniform(1, 4, 100)
        one = lambda a: jnp.finfo(a.dtype).eps * jnp.clip(jnp.abs(a), 0, 1e30) + 1e-30
        yield tree_map(lambda a: (a + one(a) * jnp.resize(steps, a.shape)).astype(a.dtype), tree)


def labelled(what, tree, arguments=()):  # a dictionary of arrays: whose derivative each is
    by = lambda path: f" by {arguments[path[0].idx]}" if arguments else ""
    paths, rest = jax.tree_util.tree_flatten_with_path(tree)[0], slice(bool(arguments), None)
    return {what + by(path) + jax.tree_util.keystr(path[rest]): leaf for path, leaf in paths}


def attempt(error, what, call, *args):  # what JAX raises becomes this error
    try:
        return call(*args)
    except (AssertionError, SkipTest):
        raise
    except Exception as raised:
        reason = f"{raised}".strip().partition("\n")[0]
        raise error(f"{what} fails: {type(raised).__name__}: {reason}") from raised


def recurrent_scan(f, x, *p):
    def step(state, factor):
        y = f(state, *p)
        inputs = times(0.4 + 0.04 * factor * jnp.arctan(weighted(y)), x)  # with the sign of x
        return tree_map(jnp.add, times(0.6, state), inputs), y

    return jax.lax.scan(step, x, FACTORS)[1]


def arguments_alone(f, *a):  # one alone has a derivative, or a batch
    of = lambda n, rest, leaf: f(*structure(a).unflatten([*rest[:n], leaf, *rest[n + 1 :]]))
    alone = lambda n, one: (of(n, stop(leaves(a)), one), vmap(partial(of, n, leaves(a)), one))
    return [alone(n, one) for n, one in enumerate(leaves(a))]


def mesh(f, *a, gradient=True):  # a scan on each of two devices, of gradients, too
    devices, split = jax.devices()[:2], PartitionSpec("device")
    if len(devices) < 2:
        raise SkipTest("one device: jax.config.update('jax_num_cpu_devices', 2) makes two CPUs")
    grad = lambda row: stop(jax.grad(loss(f), range(len(a)))(*row)) if gradient else ()
    run = partial(scan, lambda row: (f(*row), grad(row)))
    mapped = jax.shard_map(run, mesh=Mesh(devices, "device"), in_specs=split, out_specs=split)
    return mapped(rows(a))


PROGRAMS = {  # functions of f, x and the parameters
    "one_call": lambda f, *a: f(*a),
    "two_calls": lambda f, x, *p: tree_map(jnp.multiply, jax.jit(f)(x, *p), f(times(0.7, x), *p)),
    "jacobian": lambda f, x, *p: stop(jax.jacrev(lambda x: f(x, *p))(x)),
    "vmap_over_x": lambda f, x, *p: vmap(lambda x: f(x, *p), x),
    "vmap_in_vmap": lambda f, x, *p: vmap(lambda x: vmap(lambda a: f(*a), (x, *p)), x),
    "recurrent_scan": recurrent_scan,
    "scan_in_scan": lambda f, x, *p: scan(lambda x: scan(lambda a: f(*a), rows((x, *p))), rows(x)),
    "checkpointed_scan": lambda f, *a: scan(jax.checkpoint(lambda row: f(*row)), rows(a)),
    "training": lambda f, *a: stop(vmap(lambda a: recurrent_scan(jax.grad(loss(f)), *a), a)),
    "mesh": mesh,
}
WITH_PARAMETERS = {
    "vmap_over_parameters": lambda f, x, *p: vmap(lambda p: f(x, *p), p),
    "vmap_over_both": lambda f, *a: vmap(lambda a: f(*a), a),
}
OUTPUTS = {"outputs_alone": lambda f, *a: [leaves(f(*a))[n] for n, _ in enumerate(leaves(f(*a)))]}
FORWARD = {"forward_mode": lambda f, *a: stop(jax.jacfwd(jax.value_and_grad(loss(f)))(*a))}
COLUMNS = {"parameter_for_each_column": lambda f, x, *p: f(rows(x, -1), *rows(p))}


@dataclass(eq=False)
class Rule:
    """What a function should compute, and where to try it. What doesn't fit is a ValueError."""

    function: Callable  # of x, which gets a gradient, and of parameters, which get none
    value: Callable  # what it returns, in plain JAX: value(x, *p)
    change: Callable | None = None  # its slope times dx: change(dx, x, *p). None: that of value
    x: Any = field(default_factory=lambda: jnp.array([-1.7, -0.4, 0.3, 0.8]))  # or a pytree
    parameters: Sequence[tuple] = ((),)  # sets of numbers, arrays or pytrees
    bad: Sequence[tuple] = ()  # with these, everything has to be NaN
    points: Any = None  # x for single calls. None: thousands of numbers, up to infinity
    cotangents: Sequence[float] = (0.0, 1e-20, 1.0, 1e6, 1e30, np.inf)  # [1.0] if you clip them
    element_by_element: bool = True  # False if other numbers of x, or its place, matter
    forward_mode: bool = False  # True for jax.custom_jvp
    second: bool = True  # False if nothing is to be differentiated twice
    programs: dict[str, Callable] = field(default_factory=dict)  # your own: program(f, x, *p)
    skip: dict[str, str] = field(default_factory=dict)  # names of checks, and why
    rtol: float = 1e-5  # the tolerated error of each number; of 64 bits, a thousandth of it
    atol: float = 3e-6

    def __post_init__(self):  # fill in what is None, and find what doesn't fit together
        if self.change is None:
            self.change = lambda dx, x, *p: jax.jvp(lambda x: self.value(x, *p), (x,), (dx,))[1]
        self.check_structure("x", [self.x], self.x)
        self.check_structure("parameters", self.parameters, tuple(self.parameters[0]))
        self.check_structure("bad", self.bad, self.parameters[0])
        self.x = tree_map(jnp.asarray, self.x)
        for p in self.parameters:
            y, dy = self.value(self.x, *p), self.change(self.x, self.x, *p)
            self.check_structure("value", [y], y)
            if not all(np.isfinite(leaf).all() for leaf in leaves((y, dy))):
                raise ValueError(f"x: value {y} and change {dy} have to be finite there, with {p}")
            if tree_map(jnp.shape, y) != tree_map(jnp.shape, dy):
                raise ValueError(f"change has to return the same shapes as value: {dy} and {y}")
        if self.points is None:
            self.points = self.many() if self.element_by_element else self.x
        self.check_structure("points", [self.points], self.x)
        self.points = tree_map(lambda a, x: jnp.asarray(a, x.dtype), self.points, self.x)
        pairs = zip(leaves(self.x), leaves(self.points))
        if any((x < 0).any() and (points >= 0).all() for x, points in pairs):
            raise ValueError("points needs negative numbers, because x has some")
        names = [getattr(f, "__name__", repr(f)) for f in (self.function, self.value)]
        self.name, self.plain_name, self.outputs = names[0], f"plain {names[1]}", len(leaves(y))
        self.jitted, self.plain = (jax.jit(partial(self.vjp, f)) for f in (self.function, None))
        code = getattr(self.value, "__code__", None)
        self.arguments = list(code.co_varnames[: code.co_argcount] if code else "x")
        self.arguments += [f"argument {n}" for n in range(len(self.arguments), 99)]
        if unknown := {*self.skip} - {check.__name__ for check in self.checks()}:
            raise ValueError(f"skip contains {unknown}, and there are no such checks")

    def check_structure(self, name, trees, like):
        for tree in trees:
            if not all(jnp.issubdtype(jnp.result_type(a), jnp.floating) for a in leaves(tree)):
                raise ValueError(f"{name}: only floats, not {tree}; fix or drop others in a lambda")
            if structure(tree) != structure(like):
                raise ValueError(f"{name}: {tree} needs the structure of {like}")

    def many(self):  # 0, a tiny number, many ordinary, some very large ones; of pairs, one is large
        size, several = max(1, *(abs(a).max() for a in leaves(self.x))), len(leaves(self.x)) > 1
        between = np.random.default_rng(0).uniform(0, 2 * size, 1000)
        far = np.geomspace(2 * size, 100 * size if several else 1e30, 500)  # or 16 bits overflow
        points = np.array([0, 1e-30, *between, *far, *[np.inf][several:]])
        if any((a < 0).any() for a in leaves(self.x)):
            points = np.concatenate([points, -points])
        turns = range(0, 600 * len(leaves(self.x)), 600)
        return structure(self.x).unflatten(np.roll(points, turn) for turn in turns)

    def checks(self):
        """Named functions without arguments, which raise AssertionError, or unittest.SkipTest."""
        p, calls, programs = leaves(self.parameters), {"points": self.points}, dict(PROGRAMS)
        programs |= WITH_PARAMETERS if p else {}
        programs |= {"arguments_alone": arguments_alone} if p or len(leaves(self.x)) > 1 else {}
        programs |= OUTPUTS if self.outputs > 1 else {}
        programs |= FORWARD if self.second and self.forward_mode else {}
        if self.element_by_element:
            programs |= COLUMNS if p and not any(map(np.ndim, p)) else {}
            calls["no_axes"] = tree_map(lambda a: a.ravel()[-1], self.x)
            for name, shape in ("0", (0,)), ("60_90", (60, 90)), ("3_1_4_5", (3, 1, 4, 5)):
                calls[f"shape_{name}"] = tree_map(lambda a: jnp.resize(a, shape), self.points)
        checks = {name: partial(self.check_call, x) for name, x in calls.items()}
        functions = (lambda *a: self.function(*a)), self.reference  # JAX remembers functions
        for name, program in (programs | self.programs).items():
            jitted = (jax.jit(partial(self.derivatives, program, f)) for f in functions)
            checks[name] = partial(self.check_program, program, *jitted)
        for name in "cotangents", "dtypes", "memory", "nan", *["bad"][: len(self.bad)]:
            checks[name] = getattr(self, f"check_{name}")
        named = [partial(self.run, name, check) for name, check in checks.items()]
        for check in named:
            check.__name__ = check.args[0]
        return named

    def run(self, name, check):
        if name in self.skip:
            raise SkipTest(self.skip[name])
        for p in self.bad if name == "bad" else self.parameters:
            told = [f"{one} = {a}" for one, a in zip(self.arguments[1:], p)]
            how = " with ".join([f"in {name}", *[", ".join(told)][: len(p)]])
            attempt(AssertionError, f"{self.name} {how}", check, p, how)

    def reference(self, x, *p):  # in plain JAX: the change over a distance of 0, from its middle
        start, y = stop(x), self.value(*stop((x, *p)))
        distance = tree_map(jnp.subtract, x, start)
        middle = tree_map(lambda a, d: a + d / 2, start, distance)
        return tree_map(jnp.add, y, self.change(distance, middle, *p))

    def vjp(self, function, x, p, ct):  # without a function in plain JAX, also at infinity
        plain = lambda: jax.linear_transpose(lambda dx: self.change(dx, x, *p), x)
        with_rule = jax.vjp(lambda x: function(x, *p), x) if function else None
        y, pull_back = with_rule or (self.value(x, *p), plain())
        return labelled("value", y) | labelled("gradient", pull_back(ct), self.arguments)

    def derivatives(self, program, f, *a):  # the second: of the value and the gradient together
        loss = lambda *a: (weighted(y := program(f, *a)), y)
        gradient, y = jax.grad(loss, range(len(a)), has_aux=True)(*a)
        found = labelled("value", y) | labelled("gradient", gradient, self.arguments)
        if self.second:
            again = lambda *a: weighted(jax.grad(loss, has_aux=True)(*a))
            gradient = jax.grad(again, range(len(a)))(*a)
            found |= labelled("second derivative", gradient, self.arguments)
        return found

    def assert_close(self, found, expected, near, how, x=None, size=1.0, slack=0.0):
        exact = 1e-3 if "float64" in types(expected) else 1
        rtol, atol = exact * self.rtol + slack, exact * self.atol * size + slack
        shapes, wanted = tree_map(jnp.shape, found), tree_map(jnp.shape, expected)
        assert shapes == wanted, f"{self.name} {how} has the shapes {shapes}, not {wanted}"
        for label in sorted(expected, key=lambda label: label[:5] != "value"):
            what, shape = f"{label} of {self.name} {how}", wanted[label]
            numbers = [np.asarray(one[label], float) for one in (found, expected, *near)]
            a, b, *others = np.clip(numbers, -1e30, 1e30)
            at = [np.asarray(leaf, float) for leaf in leaves(x) if leaf.shape == shape]
            tail = np.clip(np.min(np.square(at), 0) / 100, 1, 0.1 / rtol) if at else 1
            spread = sum(np.nan_to_num(abs(other - b)) for other in others)
            wrong = ~(abs(a - b) <= atol / tail + rtol * abs(b) + spread) & ~np.isnan(b)
            if wrong.any():
                where = [f"where x is {array[wrong][0]:.7g}, " for array in at]
                where = f"at {np.argwhere(wrong)[0].tolist()}, {''.join(where)}"
                message = f"{what} is {a[wrong][0]:.7g} and should be {b[wrong][0]:.7g} ({where}"
                raise AssertionError(f"{message}{wrong.sum()} of {wrong.size} numbers are wrong)")

    def plain_around(self, x, p, ct):  # after a few roundings; a jump moves by its slope, so not
        expected, *near = (self.plain(a, p, ct) for a in (x, *around(x)))
        for a, one in zip(around(x), near):
            dy = self.change(tree_map(jnp.subtract, a, x), x, *p)
            one |= labelled("value", tree_map(jnp.add, self.value(x, *p), dy))
        return expected, near

    def check_program(self, program, given, plain, p, how):
        a = self.x, *tree_map(jnp.asarray, p)
        expected = attempt(SkipTest, f"{self.plain_name} {how}", plain, *a)
        if program is mesh:  # where JAX can't run the function itself, either
            alone = jax.jit(partial(mesh, lambda *a: self.function(*a), gradient=False))
            attempt(SkipTest, f"{self.name} without derivatives {how}", alone, *a)
        near = [plain(x, *a[1:]) for x in around(self.x)]
        self.assert_close(given(*a), expected, near, how, self.x)

    def check_call(self, x, p, how):
        ct = weights(self.value(x, *p))
        expected, near = attempt(SkipTest, f"{self.plain_name} {how}", self.plain_around, x, p, ct)
        found = expected | labelled("value", self.function(x, *p))
        self.assert_close(found, expected, near, f"{how}, without a gradient,", x)
        self.assert_close(self.jitted(x, p, ct), expected, near, how, x)
        found = self.vjp(self.function, x, p, ct)
        self.assert_close(found, expected, near, f"{how}, outside of jit,", x)

    def check_cotangents(self, p, how):  # the gradient is proportional, from 0 to infinity
        for x, infinite in (self.points, False), (self.x, True):  # 0 times infinity may be NaN
            y, pull_back = jax.vjp(lambda x: self.function(x, *p), x)
            for size in (size for size in self.cotangents if np.isinf(size) == infinite):
                expected, near = self.plain_around(x, p, weights(y, size))
                gradient = labelled("gradient", pull_back(weights(y, size)), self.arguments)
                told, size = f"{how}, up to {size},", min(size, 1e30)
                self.assert_close(expected | gradient, expected, near, told, x, size)

    def check_dtypes(self, p, how):  # 16 bits are about as exact as in plain JAX
        p = cast(p, "bfloat16")  # numbers that all of these types have
        numbers = tree_map(lambda a: a if a.ndim else a.item(), p)
        for dtypes in DTYPES:
            x, eps = cast(self.points, *dtypes), max(float(jnp.finfo(t).eps) for t in dtypes)
            plain, wide = self.value(x, *numbers), cast(x, "float32")
            steps = (tree_map(lambda a: a * (1 + n * eps) + n * 1e-30, wide) for n in (0, 1, -1))
            ct = tree_map(jnp.ones_like, plain)
            expected, *near = (self.plain(*cast((a, p, ct), "float32")) for a in steps)
            near += [attempt(SkipTest, f"{self.plain_name} {how}", self.plain, x, numbers, ct)]
            for given in numbers, cast(p, "float32"), p:
                told = f"{how} with x in {' and '.join(dtypes)}, parameters in {types(given)}"
                y, pull_back = jax.vjp(self.function, x, *given)
                gradients = pull_back(tree_map(jnp.ones_like, y))
                right = types(y) == types(plain) or {*types(y)} <= {*dtypes}
                assert right, f"the value of {self.name} {told} is in {types(y)}, not in {dtypes}"
                pairs = zip(types(gradients), types((x, *given)))
                wrong = [pair for pair in pairs if pair[0] not in (pair[1], *dtypes[1:])]
                assert not wrong, f"gradients of {self.name} {told} are in {types(gradients)}"
                found = labelled("value", y) | labelled("gradient", gradients[:1], self.arguments)
                rounded = {name: expected[name] + 0 * near[-1][name] for name in expected}
                self.assert_close(found, rounded, near, told, x, slack=8 * eps)

    def check_memory(self, p, how):  # one array as large as x, and the parameters
        nbytes = lambda tree: sum(np.asarray(a).nbytes for a in leaves(tree))
        for dtype in "float32", "bfloat16":
            x = cast(self.points, dtype)
            moved = tree_map(partial(jnp.roll, shift=1), times(0.7, x))
            kept = (leaves(jax.vjp(lambda x: self.function(x, *p), a)[1]) for a in (x, moved))
            pairs = [pair for pair in zip(*kept) if np.size(pair[0]) > 1]
            fixed = [a for a, b in pairs if a.dtype != bool and (a == b).all()]
            told = f"is stored for the backward pass of {self.name} {how}, x in {dtype}"
            assert nbytes(pairs) / 2 <= nbytes((x, p)), f"more than an array as large as x {told}"
            assert nbytes(fixed) <= nbytes(p), f"an array that doesn't depend on x {told}"

    def check_nan(self, p, how):  # NaN stays NaN, and makes no other number NaN
        good = self.x, weights(self.value(self.x, *p))
        plain = self.plain(self.x, p, good[1])
        slopes = {a.shape: a for label, a in plain.items() if label[0] == "g"}
        at = lambda a: np.argmax(abs(slopes.get(a.shape, a)))  # where the slope isn't 0
        bad = tree_map(lambda a: a.ravel().at[at(a)].set(np.nan).reshape(a.shape), good)
        for name, x, ct in ("x", bad[0], good[1]), ("the cotangent", good[0], bad[1]):
            expected = self.plain(x, p, ct) | labelled("value", self.reference(x, *p))
            for label, found in self.vjp(self.function, x, p, ct).items():
                isnan, wanted = np.isnan(found), np.isnan(expected[label])
                right = (isnan | ~wanted).all() and isnan.sum() <= max(1, wanted.sum())
                told = f"{label} of {self.name} {how} with NaN in {name} is {found}"
                assert right, f"{told} and should be {expected[label]}"

    def check_bad(self, p, how):  # under jit, no error can be raised, so value and gradient are NaN
        ct = weights(self.value(self.x, *self.parameters[0]))
        for label, array in self.jitted(self.x, p, ct).items():
            assert np.isnan(array).all(), f"{label} of {self.name} {how} is {array}, not NaN"
