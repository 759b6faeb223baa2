"""Check the derivative rules of ``jax.custom_vjp`` and ``jax.custom_jvp`` against plain JAX.

Describe what your function computes in a :class:`Rule`, and run its checks. Each of them calls the
function in another way: with other shapes and dtypes, under ``vmap``, in a ``scan``, on two
devices, or differentiated twice. What it returns is compared with plain JAX in 64 bits.

This file imports JAX, NumPy and the standard library alone, so a copy of it works by itself.

SPDX-License-Identifier: Apache-2.0
"""

import inspect
import itertools
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, NamedTuple
from unittest import SkipTest

import jax
import jax.experimental
import jax.numpy as jnp
import numpy as np
from jax.core import eval_jaxpr
from jax.extend.core import Jaxpr, Literal
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, PartitionSpec

__all__ = ["Check", "Result", "Rule"]
__version__ = "2.0.0"

PyTree = Any
Function = Callable[..., Any]
Check = Callable[[], str]
"""A check has a name, ``check.__name__``, and raises AssertionError or unittest.SkipTest."""

ROUNDINGS = 4  # how many roundings a number may be away from the reference
TIMES_PLAIN = 4  # where plain JAX is less exact, how many times its error is tolerated
MIN_COMPARED = 0.99  # a check is skipped if a smaller share of its numbers can be compared
FACTORS = np.array([1.0, 0.8, 0.9, 0.7], "float32")  # by which rows of a batch differ
MOST_ARRAYS = 4  # in programs, more arrays than that are joined, or they take minutes to compile

# Programs whose results are derivatives don't differentiate them twice more
stop: Function = jax.lax.stop_gradient
# Before JAX 0.8, the context is in jax.experimental alone
home_of_x64: Any = jax if hasattr(jax, "enable_x64") else jax.experimental
enable_x64: Function = home_of_x64.enable_x64


# Trees of arrays. "Numbers" are floats: only they have derivatives.


def is_float(leaf: Any) -> bool:
    """Whether a leaf is an array of floats, or a float."""
    has_float_dtype = hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating)
    return isinstance(leaf, float) or bool(has_float_dtype)


def scaled(factor: Any, tree: PyTree) -> PyTree:
    """The floats of a tree, multiplied; all other leaves as they are."""
    return jax.tree.map(
        lambda leaf: jnp.asarray(factor, leaf.dtype) * leaf if is_float(leaf) else leaf, tree
    )


def rows(tree: PyTree, axis: int = 0) -> PyTree:
    """A batch of multiples of a tree, along a new axis of each leaf."""
    return jax.vmap(scaled, (0, None), axis)(FACTORS, tree)


def cast(tree: PyTree, *dtypes: str) -> PyTree:
    """The leaves of a tree in these dtypes, in turn."""
    leaves, structure = jax.tree.flatten(tree)
    return jax.tree.unflatten(structure, map(jnp.asarray, leaves, itertools.cycle(dtypes)))


def dtypes_of(tree: PyTree) -> list[str]:
    """The names of the dtypes of all leaves."""
    return [jnp.result_type(leaf).name for leaf in jax.tree.leaves(tree)]


def cotangent_like(tree: PyTree, size: float = 1.0) -> PyTree:
    """Numbers between -1 and 1, times ``size``, in the shapes and dtypes of a tree."""
    leaves, structure = jax.tree.flatten(tree)
    total = sum(np.size(leaf) for leaf in leaves)
    # In 32 bits by NumPy, so that a reference in 64 bits gets the same numbers
    numbers = np.cos(np.arange(1, total + 1)).astype("float32") * np.float32(size)
    parts = np.split(numbers, np.cumsum([np.size(leaf) for leaf in leaves])[:-1])
    like_leaves = [
        jnp.asarray(part.reshape(np.shape(leaf)), jnp.result_type(leaf))
        for part, leaf in zip(parts, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, like_leaves)


def weighted_sum(tree: PyTree) -> jax.Array:
    """A loss in which each number of a tree has a weight of its own."""
    return jnp.vdot(ravel_pytree(tree)[0], ravel_pytree(cotangent_like(tree))[0])


def loss_of(function: Function) -> Function:
    """The function, summed up with weights."""
    return lambda *arguments: weighted_sum(function(*arguments))


def a_few_roundings_away(x: PyTree) -> Iterator[PyTree]:
    """Trees like x, which a right function can't tell from it: it rounds its own steps as much."""
    for seed, sign in itertools.product((0, 1), (1, -1)):
        steps = sign * np.random.default_rng(seed).uniform(1, 4, 100)

        def moved(leaf: jax.Array, steps: np.ndarray = steps) -> jax.Array:
            info = jnp.finfo(leaf.dtype)
            rounding = info.eps * jnp.clip(jnp.abs(leaf), 0, info.max / 16) + 8 * info.tiny
            return (leaf + rounding * jnp.resize(steps, leaf.shape)).astype(leaf.dtype)

        yield jax.tree.map(moved, x)


SUMS = ("add", "add_any", "cumsum", "dot_general", "reduce_sum", "sub")
# Equations that hold others, by the name of what holds them
CALLS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
}


def rounded_otherwise(function: Function, seed: int) -> Function:
    """The function, in which all that is added or subtracted is first changed by one rounding.

    Where a sum cancels, its result changes by much more, and isn't known more exactly than that.
    """
    generator = np.random.default_rng(seed)

    def rounded(summand: Any) -> Any:
        if not is_float(summand):
            return summand
        signs = generator.choice([-1, 1], np.shape(summand))
        return summand * jnp.asarray(1 + jnp.finfo(summand.dtype).eps * signs, summand.dtype)

    def evaluate(jaxpr: Jaxpr, constants: Iterable[Any], arguments: Iterable[Any]) -> list[Any]:
        known = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *arguments], strict=True))

        def value_of(atom: Any) -> Any:
            return atom.val if isinstance(atom, Literal) else known[atom]

        for equation in jaxpr.eqns:
            name = equation.primitive.name
            if name in CALLS:
                inner = equation.params[CALLS[name]]
                results = evaluate(inner.jaxpr, inner.consts, map(value_of, equation.invars))
            else:
                variables = [atom for atom in equation.invars if not isinstance(atom, Literal)]
                inputs = [known[variable] for variable in variables]
                if name in SUMS:
                    inputs = [rounded(summand) for summand in inputs]
                alone = jaxpr.replace(
                    constvars=[], invars=variables, outvars=equation.outvars, eqns=[equation]
                )
                results = eval_jaxpr(alone, [], *inputs)
            known |= zip(equation.outvars, results, strict=True)
        return [value_of(atom) for atom in jaxpr.outvars]

    def evaluated(*arguments: PyTree) -> PyTree:
        closed, shape = jax.make_jaxpr(function, return_shape=True)(*arguments)
        leaves = evaluate(closed.jaxpr, closed.consts, jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(shape), leaves)

    return jax.jit(evaluated)


# Programs: what users write around a function. Each gets the function, x and the parameters.


def map_rows(function: Function, tree: PyTree) -> PyTree:
    """``vmap`` over multiples of a tree."""
    return jax.vmap(function)(rows(tree))


def scan_rows(function: Function, batch: PyTree) -> PyTree:
    """``scan`` over the rows of a batch."""
    return jax.lax.scan(lambda _, row: (None, function(row)), None, batch)[1]


def one_call(f: Function, x: PyTree, *p: Any) -> PyTree:
    """The function."""
    return f(x, *p)


def two_calls(f: Function, x: PyTree, *p: Any) -> PyTree:
    """A product, so that second derivatives contain first ones."""
    return jax.tree.map(jnp.multiply, jax.jit(f)(x, *p), f(scaled(0.7, x), *p))


def jacobian(f: Function, x: PyTree, *p: Any) -> PyTree:
    """``jacrev``, which maps over cotangents."""
    return stop(jax.jacrev(lambda x: f(x, *p))(x))


def vmap_over_x(f: Function, x: PyTree, *p: Any) -> PyTree:
    """A batch of x, with the same parameters."""
    return map_rows(lambda x: f(x, *p), x)


def vmap_over_parameters(f: Function, x: PyTree, *p: Any) -> PyTree:
    """A sweep of parameters, with the same x."""
    return map_rows(lambda p: f(x, *p), p)


def vmap_over_both(f: Function, x: PyTree, *p: Any) -> PyTree:
    """A batch in which each x has parameters of its own."""
    return map_rows(lambda row: f(*row), (x, *p))


def vmap_in_vmap(f: Function, x: PyTree, *p: Any) -> PyTree:
    """A batch of batches."""
    return map_rows(lambda x: map_rows(lambda row: f(*row), (x, *p)), x)


def parameter_for_each_column(f: Function, x: PyTree, *p: Any) -> PyTree:
    """Arrays as parameters: one number for each column of x."""
    return f(rows(x, axis=-1), *rows(p))


def arguments_alone(f: Function, *arguments: Any) -> list[PyTree]:
    """Of several arguments, only one has a derivative, or is batched."""
    leaves, structure = jax.tree.flatten(arguments)

    def with_leaf(place: int, others: list[Any], leaf: Any) -> PyTree:
        return f(*jax.tree.unflatten(structure, [*others[:place], leaf, *others[place + 1 :]]))

    alone = []
    for place, leaf in enumerate(leaves):
        alone.append(with_leaf(place, stop(leaves), leaf))
        alone.append(map_rows(partial(with_leaf, place, leaves), leaf))
    return alone


def outputs_alone(f: Function, *arguments: Any) -> list[jax.Array]:
    """Of several results, a loss uses only one."""
    number_of_outputs = len(jax.tree.leaves(jax.eval_shape(f, *arguments)))
    return [jax.tree.leaves(f(*arguments))[place] for place in range(number_of_outputs)]


def recurrent_scan(f: Function, x: PyTree, *p: Any) -> PyTree:
    """A state that depends on what the function returned before, as in a network."""

    # From x on, the state stays between 0.49 and 1 times x: tanh is between -1 and 1
    def step(state: PyTree, factor: jax.Array) -> tuple[PyTree, PyTree]:
        y = f(state, *p)
        inputs = scaled(0.4 - 0.04 * factor * (1 + jnp.tanh(weighted_sum(y))), x)
        return jax.tree.map(jnp.add, scaled(0.6, state), inputs), y

    return jax.lax.scan(step, x, jnp.asarray(FACTORS))[1]


def scan_in_scan(f: Function, x: PyTree, *p: Any) -> PyTree:
    """Two loops, one in the other."""
    return scan_rows(
        lambda x: scan_rows(lambda row: f(*row), rows((x, *p))),
        rows(x),
    )


def checkpointed_scan(f: Function, *arguments: Any) -> PyTree:
    """A loop that computes its steps again in the backward pass."""
    return scan_rows(jax.checkpoint(lambda row: f(*row)), rows(arguments))


def training(f: Function, *arguments: Any) -> PyTree:
    """Gradients in a recurrent scan, for each row of a batch."""

    def gradients(*row: Any) -> PyTree:
        return recurrent_scan(jax.grad(loss_of(f)), *row)

    return stop(map_rows(lambda row: gradients(*row), arguments))


def mesh(f: Function, *arguments: Any) -> PyTree:
    """A scan on each of two devices, of values and of gradients."""

    def value_and_gradient(row: PyTree) -> PyTree:
        return f(*row), stop(jax.grad(loss_of(f), range(len(row)))(*row))

    return on_two_devices(value_and_gradient, rows(arguments))


def on_two_devices(function: Function, batch: PyTree) -> PyTree:
    """A scan over the rows of a batch, of which each of two devices gets half."""
    split = PartitionSpec("device")
    mapped = jax.shard_map(
        partial(scan_rows, function),
        mesh=Mesh(jax.devices()[:2], "device"),
        in_specs=split,
        out_specs=split,
    )
    return mapped(batch)


def forward_mode(f: Function, *arguments: Any) -> PyTree:
    """``jacfwd`` of a value and its gradient."""
    return stop(jax.jacfwd(jax.value_and_grad(loss_of(f)))(*arguments))


# The reference, and what is tolerated


class Results(NamedTuple):
    """What is compared. Derivatives by arguments are dictionaries; None is left out."""

    value: PyTree
    gradient: PyTree = None
    second_derivative: PyTree = None
    forward_mode_derivative: PyTree = None


def name_of(path: Sequence[Any]) -> str:
    """What a leaf of Results is, as ``gradient by x['a']``."""
    kind, *rest = path
    name = kind.name.replace("_", " ")
    if kind.name in ("gradient", "second_derivative"):
        argument, *rest = rest
        name = f"{name} by {argument.key}"
    return name + jax.tree_util.keystr(tuple(rest))


def in_64_bits(function: Function, *arguments: PyTree) -> tuple[PyTree, str]:
    """What a function returns for these numbers in 64 bits, as arrays of NumPy.

    A function may insist on 32 bits: then it is called with them, and the reason is returned, too.
    """

    def widened(leaf: Any) -> Any:
        # By NumPy, which has nothing to compile
        return jnp.asarray(np.asarray(leaf, "float64")) if is_float(leaf) else leaf

    reason = ""
    try:
        with enable_x64(True):
            result = function(*jax.tree.map(widened, arguments))
    except Exception as error:  # noqa: BLE001 - in any way
        result = function(*arguments)
        reason = first_line(error)
    return jax.tree.map(np.asarray, result), reason


def first_line(error: Exception) -> str:
    """Its type and the first line of its message, shortened."""
    message = textwrap.shorten(str(error).strip().partition("\n")[0], 300)
    return f"{type(error).__name__}: {message}"


def in_one_line(parameter: Any) -> str:
    """What an argument looks like: arrays and keys may take several lines."""
    return " ".join(str(parameter).split())


RANDOM = ("random_bits", "rng_bit_generator", "rng_uniform", "threefry2x32")


def draws_random_numbers(function: Function, *arguments: PyTree) -> bool:
    """Whether it does, also in functions that it calls. In 64 bits, JAX draws others."""
    program = str(jax.make_jaxpr(function)(*arguments))
    return any(primitive in program for primitive in RANDOM)


@dataclass(frozen=True, eq=False)
class Reference:
    """What is right at x, and how exactly it can be known: ``plain(x, *others)`` is Results."""

    plain: Function
    x: PyTree
    others: tuple[PyTree, ...]
    is_random: bool = False

    def by(self, function: Function) -> tuple[Results, str]:
        """What another function returns here, in 64 bits, or a reason why it isn't in them."""
        if self.is_random:
            result = function(self.x, *self.others)
            return jax.tree.map(np.asarray, result), "its random numbers would be others"
        return in_64_bits(function, self.x, *self.others)

    @cached_property
    def expected(self) -> Results:
        """In 64 bits."""
        result, _ = self.expected_and_reason
        return result

    @cached_property
    def expected_and_reason(self) -> tuple[Results, str]:
        """That, and why it isn't in 64 bits, if it isn't."""
        return self.by(self.plain)

    @cached_property
    def in_own_dtype(self) -> Results:
        """In the dtype of the rule, as JAX would compute it without a rule."""
        return jax.tree.map(np.asarray, self.plain(self.x, *self.others))

    @cached_property
    def neighbours(self) -> list["Reference"]:
        """The same at numbers that are a few roundings away from x."""
        return [replace(self, x=near_x) for near_x in a_few_roundings_away(self.x)]

    @cached_property
    def rounded_otherwise(self) -> list[Results]:
        """What else one could expect, because 64 bits round, too."""
        return [self.by(rounded_otherwise(self.plain, seed))[0] for seed in range(3)]


def as_numbers(array: np.ndarray, limit: float) -> np.ndarray:
    """An array in 64 bits, in which all that overflows, or nearly, is the same number."""
    return np.clip(np.asarray(array, float), -limit, limit)


def nearby(summary: Function, numbers: np.ndarray, x: PyTree) -> np.ndarray:
    """The largest, or another summary, of those numbers at which x is about as large.

    That is, not more than a fifth larger, and not less than a quarter of it, with either sign. If x
    has another shape, all numbers count.
    """
    alike = [abs(np.asarray(a, float)) for a in jax.tree.leaves(x) if np.shape(a) == numbers.shape]
    if not numbers.size:
        return numbers
    if not alike:
        return np.full_like(numbers, summary(numbers))
    sizes = np.clip(np.nan_to_num(np.max(alike, 0)), 1e-30, 1e30)
    quarters = np.floor(4 * np.log2(sizes))  # of octaves
    result = np.empty_like(numbers)
    for quarter in np.unique(quarters):
        is_near = (quarter - 8 <= quarters) & (quarters <= quarter)
        result[quarters == quarter] = summary(numbers[is_near])
    return result


@dataclass(frozen=True, eq=False)
class ComparedArray:
    """One array of what is compared: what was found, and what is known of it, in 64 bits.

    What overflows in the dtype of the rule, or nearly, counts as one and the same number: its
    largest number divided by 16, with a sign.
    """

    array: jax.Array
    reference: Reference
    place: int  # among the leaves of the reference's Results

    @property
    def limit(self) -> float:
        """Where numbers overflow, or nearly."""
        return float(jnp.finfo(self.array.dtype).max) / 16

    @property
    def eps(self) -> float:
        """The largest relative rounding error of all dtypes that are involved."""
        arrays = [self.array, *jax.tree.leaves((self.reference.x, self.reference.others))]
        return max(float(jnp.finfo(a.dtype).eps) for a in arrays if hasattr(a, "dtype"))

    def part_of(self, results: Results) -> np.ndarray:
        """The same array of other results."""
        return np.asarray(jax.tree.leaves(results)[self.place])

    def numbers_of(self, results: Results) -> np.ndarray:
        """That, in 64 bits and within the limit."""
        return as_numbers(self.part_of(results), self.limit)

    @cached_property
    def found(self) -> np.ndarray:
        """By the rule."""
        return as_numbers(np.asarray(self.array), self.limit)

    @cached_property
    def expected(self) -> np.ndarray:
        """By the reference."""
        return self.numbers_of(self.reference.expected)

    @property
    def is_unknown(self) -> np.ndarray:
        """Where the reference is NaN, or infinite: what overflows there may be finite in truth.

        But where x is infinite, too, infinity is right.
        """
        expected = self.part_of(self.reference.expected)
        overflows = np.isinf(expected)
        for x in jax.tree.leaves(self.reference.x):
            if np.shape(x) == expected.shape:
                overflows &= ~np.isinf(x)
        return overflows | np.isnan(expected)

    def is_within(self, tolerance: np.ndarray) -> np.ndarray:
        """Where what was found is that close to the reference. NaN never is."""
        return abs(self.found - self.expected) <= tolerance

    def tolerance(self, rtol: float) -> np.ndarray:
        """A few roundings of the number itself, and of the largest number nearby."""
        finite = np.where(abs(self.expected) < self.limit, abs(self.expected), 0)
        size = abs(self.expected) + nearby(np.max, finite, self.reference.x)
        tiny = float(jnp.finfo(self.array.dtype).tiny)
        return ROUNDINGS * (self.eps * size + tiny) + rtol * size

    def tolerance_for_plain_jax(self) -> np.ndarray:
        """Several times the error of plain JAX at numbers that a right function can't tell from x.

        Where plain JAX isn't finite, it has none: the reference decides alone. At some numbers,
        the error is 0 by chance, so that of nine in ten nearby counts, too.
        """
        errors = []
        for reference in [self.reference, *self.reference.neighbours]:
            exact = self.numbers_of(reference.expected)
            plain = self.numbers_of(reference.in_own_dtype)
            errors.append(np.where(abs(plain) < self.limit, abs(plain - exact), 0))
        return TIMES_PLAIN * self.largest_nearby(errors)

    def tolerance_for_x(self) -> np.ndarray:
        """Several times the change if x does by a few roundings: at a corner, all of a slope."""
        changes = [
            abs(self.numbers_of(neighbour.expected) - self.expected)
            for neighbour in self.reference.neighbours
        ]
        return TIMES_PLAIN * self.largest_nearby(changes)

    def tolerance_for_reference(self) -> np.ndarray:
        """Several times what the reference loses where its sums cancel."""
        changes = [
            np.nan_to_num(abs(self.numbers_of(other) - self.expected), nan=self.limit)
            for other in self.reference.rounded_otherwise
        ]
        return TIMES_PLAIN * self.largest_nearby(changes)

    def largest_nearby(self, errors: Sequence[np.ndarray]) -> np.ndarray:
        """The largest of the errors of each number, and of nine in ten nearby."""
        largest = np.max(np.nan_to_num(errors), 0)
        return np.maximum(largest, nearby(partial(np.quantile, q=0.9), largest, self.reference.x))

    def is_value_of_plain_jax(self) -> np.ndarray:
        """Where a rule returns what plain JAX does, right or not: a rule is about the slope."""
        plain = self.numbers_of(self.reference.in_own_dtype)
        return (self.found == plain) | (np.isnan(self.found) & np.isnan(plain))

    def is_nan_where_value_overflows(self) -> np.ndarray:
        """Where a slope may be NaN, as far as the value has this shape."""
        overflows = np.zeros(self.found.shape, bool)
        for value in jax.tree.leaves(self.reference.expected.value):
            if np.shape(value) == self.found.shape:
                overflows |= abs(np.asarray(value, float)) >= self.limit
        return overflows & np.isnan(self.found)


@dataclass(frozen=True)
class Compared:
    """How many numbers were compared, and how many of them couldn't be judged."""

    numbers: int = 0
    undecided: int = 0

    def __add__(self, other: "Compared") -> "Compared":
        """The numbers of both."""
        return Compared(self.numbers + other.numbers, self.undecided + other.undecided)

    def __str__(self) -> str:
        """As ``not compared: 3 of 40,000 numbers``, or nothing."""
        if not self.undecided:
            return ""
        return f"not compared: {self.undecided:,} of {self.numbers:,} numbers"


def require_shapes(found: Results, reference: Reference, where: str) -> None:
    """Raise AssertionError unless all that was found has the shapes of the reference."""
    for name, mine, right in zip(Results._fields, found, reference.expected, strict=True):
        shapes, wanted = (jax.tree.map(np.shape, tree) for tree in (mine, right))
        if mine is not None and shapes != wanted:
            raise AssertionError(f"{name} of {where} has the shapes {shapes}, not {wanted}")


def compare(found: Results, reference: Reference, rtol: float, where: str) -> Compared:
    """Raise AssertionError unless all that was found is right, as far as one can know."""
    require_shapes(found, reference, where)
    compared = Compared()
    for place, (path, array) in enumerate(jax.tree_util.tree_flatten_with_path(found)[0]):
        one = ComparedArray(jnp.asarray(array), reference, place)  # also a number of Python
        compared += compare_array(one, path, rtol, where)
    return compared


def compare_array(array: ComparedArray, path: Sequence[Any], rtol: float, where: str) -> Compared:
    """The same for one array."""
    tolerance = array.tolerance(rtol)
    is_right = array.is_within(tolerance)
    is_undecided = array.is_unknown & ~is_right
    if not np.all(is_right | is_undecided):  # look closer, which takes three times as long
        tolerance = tolerance + array.tolerance_for_plain_jax()
        if path[0].name == "value":
            is_right |= array.is_value_of_plain_jax()
        else:
            tolerance = tolerance + array.tolerance_for_x()
            is_right |= array.is_nan_where_value_overflows()
        is_undecided |= ~is_right & (tolerance >= array.limit)
        is_right |= array.is_within(tolerance)
    if not np.all(is_right | is_undecided):  # rare, and the reference may be wrong itself
        tolerance = tolerance + array.tolerance_for_reference()
        is_undecided |= ~is_right & (tolerance >= array.limit)
        is_right |= array.is_within(tolerance)
    is_wrong = ~is_right & ~is_undecided
    if is_wrong.any():
        _, reason = array.reference.expected_and_reason
        note = f"; the reference isn't in 64 bits: {reason}" if reason else ""
        raise AssertionError(
            f"{name_of(path)} of {where} is {array.found[is_wrong][0]:.7g} and should be "
            f"{array.expected[is_wrong][0]:.7g} ({place_of(is_wrong, array.reference.x)}"
            f"{is_wrong.sum():,} of {is_wrong.size:,} numbers are wrong){note}"
        )
    return Compared(is_wrong.size, int(is_undecided.sum()))


def place_of(wrong: np.ndarray, x: PyTree) -> str:
    """Where the first wrong number is."""
    if not wrong.ndim:
        return ""
    numbers = [np.asarray(a, float) for a in jax.tree.leaves(x) if np.shape(a) == wrong.shape]
    where = "".join(f"where x is {a[wrong][0]:.7g}, " for a in numbers)
    return f"at {np.argwhere(wrong)[0].tolist()}, {where}"


# The description


def require_floats(name: str, tree: PyTree) -> None:
    """An error that names the argument, unless all leaves are floats."""
    if not all(map(is_float, jax.tree.leaves(tree))):
        raise ValueError(f"{name}: only floats, not {tree}; fix or drop others in a lambda")


def require_alike(name: str, trees: Sequence[PyTree], like: PyTree) -> None:
    """An error that names the argument, unless all trees have the structure of another."""
    wanted: Any = jax.tree.structure(like)
    for tree in trees:
        if wanted != jax.tree.structure(tree):
            raise ValueError(f"{name}: {tree} needs the structure of {like}")


@dataclass(frozen=True, eq=False)
class Rule:
    """A function with a derivative rule, and what it should compute.

    Parameters
    ----------
    function
        The function with the rule, called as ``function(x, *parameters)``. It returns an array of
        floats or a pytree of them.
    value
        What ``function`` returns, in plain JAX, with the same arguments.
    change
        The slope times ``dx``, called as ``change(dx, x, *parameters)``; it returns the shapes of
        ``value``. By default the derivative of ``value``: pass it if yours is another one, as a
        surrogate gradient is, or if it is finite where JAX's isn't.
    x
        Some numbers to begin with, away from jumps and corners: an array of floats or a pytree of
        arrays, of which each gets a gradient. Programs multiply them by 0.49 to 1.
    parameters
        Sets of further arguments: each a tuple of numbers, arrays or pytrees. Derivatives by
        floats are compared with those of ``value``; what isn't a float is passed on as it is.
    without_gradient
        The names of parameters, as ``value`` calls them, by which the rule returns None or 0
        although ``value`` depends on them.
    bad
        Sets of parameters with which all results have to be NaN.
    domain
        Where x may lie, as (lowest, highest): numbers, or pytrees of numbers like ``x``.
    points
        x for single calls. By default, if the function is element by element, thousands of numbers
        of the domain, up to infinity, at which ``value`` isn't NaN; otherwise ``x``.
    cotangents
        Sizes of cotangents. Pass ``[1.0]`` if your rule clips them.
    element_by_element
        False if a number of the result depends on several numbers of x, or on their place.
    forward_mode
        True if ``jax.jvp`` and ``jax.jacfwd`` work, as with ``jax.custom_jvp``.
    second
        False if the function isn't to be differentiated twice, or if its slopes by several
        arguments aren't the gradient of any function.
    memory
        Whether to check what is stored for the backward pass. By default, it is checked if the
        function is one call of a ``jax.custom_vjp``: otherwise JAX chooses what is stored.
    programs
        Programs of your own around the function: named functions ``program(f, x, *parameters)``.
    skip
        Names of checks, each with the reason to leave it out.
    rtol
        An error that is tolerated besides rounding, relative to the largest number nearby.

    Raises
    ------
    ValueError
        If the arguments don't fit together. The message begins with the name of one.

    Examples
    --------
    >>> import jax
    >>> from relugrad.testing import Rule
    >>> @jax.custom_vjp
    ... def softplus(x):
    ...     return jax.nn.softplus(x)
    >>> def forward(x):
    ...     return softplus(x), x
    >>> def backward(x, cotangent):
    ...     return (cotangent * jax.nn.sigmoid(x),)
    >>> softplus.defvjp(forward, backward)
    >>> results = Rule(softplus, jax.nn.softplus).run(fast=True, quiet=True)
    >>> results[0].check, results[0].outcome
    ('points', 'passed')
    """

    function: Function
    value: Function
    change: Function | None = None
    x: PyTree = field(default_factory=lambda: jnp.array([-1.7, -0.4, 0.3, 0.8]))
    parameters: Sequence[tuple[Any, ...]] = ((),)
    without_gradient: Sequence[str] = ()
    bad: Sequence[tuple[Any, ...]] = ()
    domain: tuple[PyTree, PyTree] = (-np.inf, np.inf)
    points: PyTree = None
    cotangents: Sequence[float] = (0.0, 1e-20, 1.0, 1e6, 1e30, np.inf)
    element_by_element: bool = True
    forward_mode: bool = False
    second: bool = True
    memory: bool | None = None
    programs: Mapping[str, Function] = field(default_factory=dict)
    skip: Mapping[str, str] = field(default_factory=dict)
    rtol: float = 0.0

    def __post_init__(self) -> None:
        """Find what doesn't fit together."""
        require_floats("x", self.x)
        self.require_sets_of_parameters()
        self.require_domain()
        for parameters in self.parameters:
            self.require_finite(Case(self, parameters))
        if self.points is not None:
            require_floats("points", self.points)
            require_alike("points", [self.points], like=self.x)
            for start, points in zip(*map(jax.tree.leaves, (self.x, self.points)), strict=True):
                if np.any(np.less(start, 0)) and np.all(np.greater_equal(points, 0)):
                    raise ValueError("points needs negative numbers, because x has some")
        if unknown := {*self.without_gradient} - {*self.argument_names[1:]}:
            raise ValueError(f"without_gradient: value has no parameters {sorted(unknown)}")
        names = [spec.name for spec in self.specs]
        if twice := {name for name in self.programs if names.count(name) > 1}:
            raise ValueError(f"programs: there are checks already that are named {sorted(twice)}")
        if unknown := {*self.skip} - {*names}:
            raise ValueError(f"skip: there are no checks named {sorted(unknown)}")

    def require_sets_of_parameters(self) -> None:
        """An error unless all sets are tuples that hold floats at the same places."""
        if not self.parameters:
            raise ValueError("parameters: give at least one set; for no parameters, it is ()")
        described: list[tuple[str, Sequence[Any]]] = [  # as users may write them, and not as typed
            ("parameters", self.parameters),
            ("bad", self.bad),
        ]
        for name, sets in described:
            if not all(isinstance(given, tuple) for given in sets):
                raise ValueError(f"{name}: each set has to be a tuple, as in [(0.3,), (1.0,)]")
            require_alike(name, sets, like=self.parameters[0])
            for given in sets:
                if list(map(is_float, jax.tree.leaves(given))) != self.are_floats:
                    raise ValueError(
                        f"{name}: write {given} with floats where other sets have them"
                    )

    @property
    def are_floats(self) -> list[bool]:
        """Which leaves of the parameters are floats."""
        return list(map(is_float, jax.tree.leaves(self.parameters[0])))

    def require_domain(self) -> None:
        """An error unless x lies in the domain."""
        bounds = zip(jax.tree.leaves(self.start), *self.bounds, strict=True)
        if not all(np.all((low <= leaf) & (leaf <= high)) for leaf, low, high in bounds):
            raise ValueError(f"domain: x isn't between {self.domain[0]} and {self.domain[1]}")

    def require_finite(self, case: "Case") -> None:
        """An error unless value and change are finite at x, and have the same shapes."""
        value = case.value(self.start, *case.floats)
        require_floats("value", value)
        change = case.change(self.start, self.start, *case.floats)
        if jax.tree.map(jnp.shape, value) != jax.tree.map(jnp.shape, change):
            raise ValueError(f"change has to return the shapes of value: {change} and {value}")
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((value, change))):
            raise ValueError(
                f"x: value and change have to be finite there; got {value} and {change}{case}"
            )

    def checks(self, *, fast: bool = False) -> list[Check]:
        """The checks, as named functions without arguments.

        Each raises AssertionError if the rule is wrong, and unittest.SkipTest, with the reason, if
        it can't tell. Otherwise it returns an empty string, or how much it couldn't compare.

        Parameters
        ----------
        fast
            True for those checks alone that find most mistakes within seconds.
        """
        return [as_named_check(self, spec) for spec in self.specs if spec.is_fast or not fast]

    def run(self, *, fast: bool = False, quiet: bool = False) -> list["Result"]:
        """Run all checks, print a line for each, and raise an error at the end if one failed.

        Parameters
        ----------
        fast
            True for those checks alone that find most mistakes within seconds.
        quiet
            True to print nothing.

        Returns
        -------
        list of Result
            What each check said; it passed or was skipped.

        Raises
        ------
        AssertionError
            The first failure, and the names of the other checks that failed.
        """
        checks, results = self.checks(fast=fast), []
        for number, check in enumerate(checks, 1):
            result = Result.of(check)
            results.append(result)
            if not quiet:
                print(f"{number:2}/{len(checks)} {result}", flush=True)
        failed = [result for result in results if result.outcome == "failed"]
        if failed:
            raise AssertionError(first_and_others(failed))
        return results

    # What follows from the description. A cached property belongs to one Rule, also after replace

    @cached_property
    def start(self) -> PyTree:
        """x, as arrays of JAX."""
        return jax.tree.map(jnp.asarray, self.x)

    @cached_property
    def cases(self) -> list["Case"]:
        """The function with each set of parameters."""
        return [Case(self, parameters) for parameters in self.parameters]

    @cached_property
    def bounds(self) -> tuple[list[Any], list[Any]]:
        """The lowest and the highest number of each array of x."""
        structure: Any = jax.tree.structure(self.x)

        def for_each_leaf(bound: PyTree) -> list[Any]:
            if structure == jax.tree.structure(bound):
                return jax.tree.leaves(bound)
            if np.ndim(bound) == 0:
                return [bound] * structure.num_leaves
            raise ValueError(f"domain: {bound} needs to be a number, or to have the structure of x")

        low, high = self.domain
        return for_each_leaf(low), for_each_leaf(high)

    @cached_property
    def argument_names(self) -> list[str]:
        """What value calls its arguments, each by a name of its own; the first is x here."""
        given = [*inspect.signature(self.value).parameters]
        names = ["x"]
        for place in range(1, 1 + len(self.parameters[0])):
            name = given[place] if place < len(given) else "x"
            names.append(name if name not in names else f"argument {place}")
        return names

    @cached_property
    def name(self) -> str:
        """What the function is called in messages."""
        return getattr(self.function, "__name__", "the function")

    @cached_property
    def points_of_calls(self) -> PyTree:
        """The x for single calls."""
        if self.points is None:
            return many_points(self) if self.element_by_element else self.start
        points = jax.tree.map(lambda a, x: jnp.asarray(a, x.dtype), self.points, self.start)
        return jax.tree.map(jnp.atleast_1d, points) if self.element_by_element else points

    @property
    def specs(self) -> list["Spec"]:
        """All checks, also those that the description leaves out."""
        own = [
            Spec(name, partial(check_program, program)) for name, program in self.programs.items()
        ]
        return [*SPECS, *own]

    def left_out(self, spec: "Spec") -> str:
        """Why the description leaves a check out; empty if it doesn't."""
        if spec.name in self.skip:
            return self.skip[spec.name]
        for need in spec.needs:
            if reason := need(self):
                return reason
        return ""

    @property
    def joins_arrays(self) -> bool:
        """Whether programs get all arrays of x as one."""
        return len(jax.tree.leaves(self.x)) > MOST_ARRAYS

    @cached_property
    def is_random(self) -> bool:
        """Whether the reference draws random numbers."""
        return any(draws_random_numbers(c.plain, self.start, *c.floats) for c in self.cases)

    @cached_property
    def checks_memory(self) -> bool:
        """Whether to check what is stored."""
        if self.memory is not None:
            return self.memory
        parameters = self.parameters[0]
        equations = jax.make_jaxpr(lambda x: self.function(x, *parameters))(self.start).eqns
        while len(equations) == 1 and equations[0].primitive.name in ("jit", "pjit"):
            equations = equations[0].params["jaxpr"].eqns
        return len(equations) == 1 and "custom_vjp_call" in equations[0].primitive.name


class ParameterLeaf(NamedTuple):
    """A number or an array of a parameter, and its place there, as ``['a']`` in a dictionary."""

    parameter: str
    place: str
    value: Any


@dataclass(frozen=True, eq=False)
class Case:
    """A function with one set of parameters. Their floats are arguments, all else is fixed."""

    rule: Rule
    parameters: tuple[Any, ...]
    check_name: str = ""

    @cached_property
    def leaves(self) -> list[ParameterLeaf]:
        """All leaves of the parameters."""
        paths, _ = jax.tree_util.tree_flatten_with_path(self.parameters)
        names = self.rule.argument_names[1:]
        return [
            ParameterLeaf(names[path[0].idx], jax.tree_util.keystr(path[1:]), value)
            for path, value in paths
        ]

    @cached_property
    def float_leaves(self) -> list[ParameterLeaf]:
        """Those that have a derivative."""
        return [leaf for leaf in self.leaves if is_float(leaf.value)]

    @cached_property
    def floats(self) -> list[Any]:
        """Their values, which programs get as arguments."""
        return [leaf.value for leaf in self.float_leaves]

    @cached_property
    def names(self) -> list[str]:
        """What has a derivative: x, and these."""
        return ["x", *(leaf.parameter + leaf.place for leaf in self.float_leaves)]

    def __str__(self) -> str:
        """As ``relu in points with width = 0.3``, in messages."""
        pairs = zip(self.rule.argument_names[1:], self.parameters, strict=True)
        settings = ", ".join(f"{name} = {in_one_line(parameter)}" for name, parameter in pairs)
        return f"{self.rule.name} in {self.check_name}" + (f" with {settings}" if settings else "")

    def with_floats(self, floats: Sequence[Any]) -> Any:
        """The parameters, with these floats in the place of theirs."""
        remaining = iter(floats)
        leaves = [next(remaining) if is_float(leaf.value) else leaf.value for leaf in self.leaves]
        return jax.tree.unflatten(jax.tree.structure(self.parameters), leaves)

    def function(self, x: PyTree, *floats: Any) -> PyTree:
        """The function with the rule."""
        return self.rule.function(x, *self.with_floats(floats))

    def value(self, x: PyTree, *floats: Any) -> PyTree:
        """What it returns, in plain JAX."""
        return self.rule.value(x, *self.with_floats(floats))

    @cached_property
    def value_at_start(self) -> PyTree:
        """What it returns at the x of the description."""
        return self.value(self.rule.start, *self.floats)

    def change(self, dx: PyTree, x: PyTree, *floats: Any) -> PyTree:
        """Its slope times dx, in plain JAX."""
        if self.rule.change is None:
            return jax.jvp(lambda x: self.value(x, *floats), (x,), (dx,))[1]
        return self.rule.change(dx, x, *self.with_floats(floats))

    def plain(self, x: PyTree, *floats: Any) -> PyTree:
        """A function in plain JAX with this value and this slope, at every order.

        It adds the change over a distance of 0. The slope is taken at the middle of the distance
        d, because s(x + d / 2) * d has the derivatives s and s' there, and s(x + d) * d would have
        s and 2 s'.
        """
        start = stop(x)
        distance = jax.tree.map(jnp.subtract, x, start)
        middle = jax.tree.map(lambda a, d: a + d / 2, start, distance)
        without = self.rule.without_gradient
        floats_of_value = [
            stop(number) if leaf.parameter in without else number
            for leaf, number in zip(self.float_leaves, floats, strict=True)
        ]
        value = self.value(start, *floats_of_value)
        return jax.tree.map(jnp.add, value, self.change(distance, middle, *floats))

    def in_domain(self, function: Function) -> Function:
        """The function of an x that never comes closer to a bound than half-way."""
        if all(np.all(np.isinf(bound)) for bounds in self.rule.bounds for bound in bounds):
            return function
        limits = [
            ((low + np.min(leaf)) / 2, (high + np.max(leaf)) / 2)
            for leaf, low, high in zip(
                jax.tree.leaves(self.rule.start), *self.rule.bounds, strict=True
            )
        ]

        def clipped(x: PyTree, *floats: Any) -> PyTree:
            leaves, structure = jax.tree.flatten(x)
            pairs = zip(leaves, limits, strict=True)
            clipped_leaves = [jnp.clip(leaf, *ends) for leaf, ends in pairs]
            return function(jax.tree.unflatten(structure, clipped_leaves), *floats)

        return clipped

    # Value and derivatives of a single call; the cotangent is a function of the value

    def call(self, x: PyTree, parameters: Any, cotangent: Function = cotangent_like) -> Results:
        """What the rule gives."""

        def function(x: PyTree) -> PyTree:
            return self.rule.function(x, *parameters)

        value, pull_back = jax.vjp(function, x)
        (gradient,) = pull_back(cotangent(value))
        forward = None
        if self.rule.forward_mode:
            forward = jax.jvp(function, (x,), (cotangent_like(x),))[1]
        return Results(value, {"x": gradient}, forward_mode_derivative=forward)

    def plain_call(
        self, x: PyTree, floats: Sequence[Any], cotangent: Function = cotangent_like
    ) -> Results:
        """What plain JAX gives. It transposes the change, which is right at infinity, too."""

        def linear(dx: PyTree) -> PyTree:
            return self.change(dx, x, *floats)

        value = self.value(x, *floats)
        # The change may be promoted where the value isn't
        dtypes = [leaf.dtype.name for leaf in jax.tree.leaves(jax.eval_shape(linear, x))]
        (gradient,) = jax.linear_transpose(linear, x)(cast(cotangent(value), *dtypes))
        forward = linear(cotangent_like(x)) if self.rule.forward_mode else None
        return Results(value, {"x": gradient}, forward_mode_derivative=forward)

    @cached_property
    def jitted_call(self) -> Function:
        """By the rule, compiled: the floats among the parameters are traced."""
        return jax.jit(lambda x, floats: self.call(x, self.with_floats(floats)))

    @cached_property
    def jitted_calls(self) -> Function:
        """The value alone, and with its derivatives."""

        def both(x: PyTree, floats: Sequence[Any]) -> tuple[PyTree, Results]:
            return self.function(x, *floats), self.call(x, self.with_floats(floats))

        return jax.jit(both)

    @cached_property
    def jitted_plain_call(self) -> Function:
        """In plain JAX, compiled."""
        return jax.jit(self.plain_call)

    def reference(self, x: PyTree, floats: Sequence[Any] | None = None) -> Reference:
        """What is right for a single call."""
        floats = self.floats if floats is None else floats
        return self.reference_by(self.jitted_plain_call, x, floats)

    def reference_by(self, plain: Function, x: PyTree, *others: PyTree) -> Reference:
        """What is right by ``plain``; a check is skipped where JAX can't run that."""
        reference = Reference(plain, x, others, self.rule.is_random)
        attempt(SkipTest, f"plain JAX for {self}", lambda: reference.expected)
        return reference

    def compare(self, found: Results, reference: Reference, circumstances: str = "") -> Compared:
        """Raise AssertionError unless all that was found is right."""
        return compare(found, reference, self.rule.rtol, f"{self}{circumstances}")


def derivatives(
    program: Function, function: Function, case: Case, arguments: Sequence[PyTree]
) -> Results:
    """The value of a program and its derivatives, the second of its value and gradient by x."""

    def loss(*arguments: PyTree) -> tuple[jax.Array, PyTree]:
        value = program(function, *arguments)
        return weighted_sum(value), value

    gradient, value = jax.grad(loss, range(len(arguments)), has_aux=True)(*arguments)
    found = Results(value, dict(zip(case.names, gradient, strict=True)))
    if not case.rule.second:
        return found
    # Of a weighted sum of both, so that it holds derivatives of the gradient and of the value
    gradient_and_value = jax.grad(loss, has_aux=True)
    again = jax.grad(loss_of(gradient_and_value), range(len(arguments)))(*arguments)
    return found._replace(second_derivative=dict(zip(case.names, again, strict=True)))


# Numbers to try


POINTS = 10_007  # more than XLA computes at once in a loop, and a prime, so that blocks don't fit


def many_points(rule: Rule) -> PyTree:
    """Thousands of ordinary numbers, then large ones, then edges: where value isn't NaN.

    Of several arrays, one at a time is at an edge or large, and the others are ordinary.
    """
    leaves, structure = jax.tree.flatten(rule.start)
    generator = np.random.default_rng(0)
    ordinary: list[Function] = []  # of each array, which draws as many numbers as one asks for
    special: list[np.ndarray] = []
    for leaf, low, high in zip(leaves, *rule.bounds, strict=True):
        size = float(np.max(np.abs(leaf), initial=0)) or 1.0
        ends = max(float(low), -2 * size), min(float(high), 2 * size)
        ordinary.append(partial(generator.uniform, *ends))
        special.append(special_numbers(size, len(leaves), low, high))

    blocks: list[list[np.ndarray]] = [[draw(POINTS) for draw in ordinary]]
    for place, numbers in enumerate(special):
        block: list[np.ndarray] = [draw(len(numbers)) for draw in ordinary]
        block[place] = numbers
        blocks.append(block)

    points = []
    for leaf, *column in zip(leaves, *blocks, strict=True):
        numbers = np.concatenate(column)
        # Each parameter of an array meets other numbers: a row goes on where the last one ended
        rows_of_numbers = np.resize(numbers, (len(numbers), *parameter_shape(rule)))
        points.append(jnp.asarray(rows_of_numbers, leaf.dtype))
    return only_where_defined(rule, jax.tree.unflatten(structure, points))


def special_numbers(size: float, arrays: int, low: float, high: float) -> np.ndarray:
    """Large numbers, up to where squares nearly overflow, and edges, as far as they are allowed."""
    large = [np.geomspace(2 * size, 100 * size, 1 + 300 // arrays)]
    if arrays == 1:  # or products of several would overflow
        large.append(np.geomspace(100 * size, 1e18, 61))
    edges = [low, high, 0.0, -0.0, 1e-30, -1e-30, np.inf, -np.inf]
    sizes = np.concatenate(large)
    numbers = np.concatenate([sizes, -sizes, edges]).astype("float32")
    return numbers[(low <= numbers) & (numbers <= high)]


def parameter_shape(rule: Rule) -> tuple[int, ...]:
    """The shape with which arrays among the parameters broadcast."""
    shapes = [np.shape(number) for case in rule.cases for number in case.floats]
    return np.broadcast_shapes(*shapes)


def only_where_defined(rule: Rule, points: PyTree) -> PyTree:
    """Those rows of the points in which no value is NaN, in 64 bits."""
    rows_defined: Any = True
    for case in rule.cases:
        values, _ = in_64_bits(case.value, points, *case.floats)
        for value in jax.tree.leaves(values):
            rows_defined &= ~np.isnan(value).reshape(len(value), -1).any(1)
    return jax.tree.map(lambda a: a[rows_defined], points)


def edges_of(rule: Rule) -> Iterator[PyTree]:
    """The x with an edge in one element, one row or everywhere, of one of its arrays."""
    leaves, structure = jax.tree.flatten(rule.start)
    for place, (leaf, low, high) in enumerate(zip(leaves, *rule.bounds, strict=True)):
        edges = np.array([0.0, -0.0, np.inf, -np.inf, low, high], "float32")
        allowed = edges[(low <= edges) & (edges <= high)]
        different = {(edge, bool(np.signbit(edge))): edge for edge in allowed}  # 0 isn't -0
        for edge in different.values():
            first_element = leaf.ravel().at[:1].set(edge).reshape(leaf.shape)
            first_row = leaf.at[:1].set(edge) if leaf.ndim > 1 else first_element
            for changed in (first_element, first_row, jnp.full_like(leaf, edge)):
                yield jax.tree.unflatten(
                    structure, [*leaves[:place], changed, *leaves[place + 1 :]]
                )
    if all(np.all(np.isinf(bound)) for bounds in rule.bounds for bound in bounds):
        yield jax.tree.map(jnp.negative, rule.start)


# Leading axes of x, before those of parameters that are arrays
SHAPES: dict[str, tuple[int, ...]] = {
    "no_axes": (),
    "shape_0": (0,),
    "shape_1": (1,),
    "shape_1_6": (1, 6),
    "shape_6_1": (6, 1),
    "shape_square": (5, 5),
    "shape_60_90": (60, 90),
    "shape_3_1_4_5": (3, 1, 4, 5),
}


def longer(leaf: jax.Array) -> jax.Array:
    """More numbers along the last axis, all of them different."""
    if not leaf.ndim or not leaf.size:
        return leaf
    length = leaf.shape[-1] + 3
    repeated = jnp.take(leaf, jnp.arange(length) % leaf.shape[-1], -1)
    return repeated * jnp.linspace(1, 0.9, length, dtype=leaf.dtype)


def batch_of(size: int, leaf: jax.Array) -> jax.Array:
    """Several of an array, along a new first axis."""
    factors = jnp.linspace(1, 0.9, size, dtype=leaf.dtype)
    return factors.reshape(size, *[1] * leaf.ndim) * leaf


OTHER_SHAPES: dict[str, Function] = {
    "longer": longer,
    "batch_of_1": partial(batch_of, 1),
    "batch_of_5": partial(batch_of, 5),
}


# The checks. Each gets a case, and raises AssertionError or SkipTest

CheckOfCase = Callable[[Case], Compared]


def attempt(error: type[Exception], what: str, call: Function, *arguments: Any) -> Any:
    """Call a function; what JAX raises becomes this error, in one line."""
    try:
        return call(*arguments)
    except (AssertionError, SkipTest):
        raise
    except Exception as raised:
        raise error(f"{what} fails: {first_line(raised)}") from raised


def check_call(case: Case, x: PyTree) -> Compared:
    """A value alone, and with its derivatives."""
    reference = case.reference(x)
    # First, since with another shape, JAX refuses the rule
    shapes = jax.eval_shape(case.function, x, *case.floats)
    require_shapes(Results(shapes), reference, f"{case}, called without a gradient,")
    alone, found = case.jitted_calls(x, case.floats)
    compare_infinities(case, alone, found.value)
    compared = case.compare(Results(alone), reference, ", called without a gradient,")
    return compared + case.compare(found, reference)


def compare_infinities(case: Case, alone: PyTree, with_gradient: PyTree) -> None:
    """A value that isn't finite is the same with a gradient: no reference is needed for that."""
    alone, with_gradient = jax.tree.map(np.asarray, (alone, with_gradient))
    pairs = zip(*map(jax.tree.leaves, (alone, with_gradient)), strict=True)
    for without, value in pairs:
        wrong = ~(np.isfinite(value) & np.isfinite(without)) & (without != value)
        wrong &= ~(np.isnan(value) & np.isnan(without))
        if wrong.any():
            raise AssertionError(
                f"value of {case} is {value[wrong][0]} with a gradient, and "
                f"{without[wrong][0]} without"
            )


def check_points(case: Case) -> Compared:
    """Values and slopes at thousands of numbers, compiled or not."""
    x = case.rule.points_of_calls
    reference = case.reference(x)
    alone = Results(case.rule.function(x, *case.parameters))
    return (
        check_call(case, x)
        + case.compare(alone, reference, ", called without a gradient, not compiled,")
        + case.compare(case.call(x, case.parameters), reference, ", not compiled,")
    )


def check_edges(case: Case) -> Compared:
    """Values and slopes with 0, infinity or a bound beside ordinary numbers."""
    compared = Compared()
    for x in edges_of(case.rule):
        values, _ = in_64_bits(case.value, x, *case.floats)
        if not any(np.isnan(value).any() for value in jax.tree.leaves(values)):
            compared += check_call(case, x)
    if not compared.numbers:
        raise SkipTest("value is NaN with each edge")
    return compared


def check_shape(leading: tuple[int, ...], case: Case) -> Compared:
    """Values and slopes with x of another shape, if the function is element by element."""
    trailing = parameter_shape(case.rule)
    shape = (*leading, *trailing)
    if leading == SHAPES["shape_square"] and trailing:
        shape = (trailing[-1], *trailing)
    points = case.rule.points_of_calls
    return check_call(case, jax.tree.map(lambda a: jnp.asarray(np.resize(a, shape)), points))


def check_other_shape(name: str, case: Case) -> Compared:
    """Values and slopes with x of another shape, if both functions take it."""
    x = jax.tree.map(OTHER_SHAPES[name], case.rule.start)
    attempt(SkipTest, f"{case.rule.name}, called with {name} x,", case.function, x, *case.floats)
    return check_call(case, x)


def check_python_numbers(case: Case) -> Compared:
    """Values and slopes with x and parameters as numbers of Python."""
    if parameter_shape(case.rule) or not all(
        leaf.size for leaf in jax.tree.leaves(case.rule.start)
    ):
        raise SkipTest("a parameter is an array, or x has no numbers")
    x = jax.tree.map(lambda a: float(np.ravel(a)[-1]), case.rule.start)
    numbers = [float(number) for number in case.floats]
    parameters = case.with_floats(numbers)
    what = f"{case.rule.name} with a float of Python as x"
    value = attempt(SkipTest, what, case.rule.function, x, *parameters)
    reference = case.reference(jax.tree.map(jnp.asarray, x), numbers)
    compared = case.compare(Results(value), reference, f", x = {x},")
    return compared + case.compare(case.call(x, parameters), reference, f", x = {x},")


def check_integers(case: Case) -> Compared:
    """Values and slopes with parameters that are integers, traced or not."""
    integers = [round(float(number)) or 1 for number in case.floats]
    x = case.rule.start
    what = f"{case.rule.name} with parameters {integers}"
    attempt(SkipTest, what, case.function, x, *integers)
    reference = case.reference(x, [float(integer) for integer in integers])
    traced = case.jitted_call(x, integers)
    compared = case.compare(traced, reference, f", but with the traced integers {integers},")
    known = case.call(x, case.with_floats(integers))
    return compared + case.compare(known, reference, f", but with {integers},")


STORED_KEY = (
    "JAX can't differentiate a loop twice if a rule stores a random key; "
    "store jax.random.key_data(key) in its place"
)


def check_program(program: Function, case: Case) -> Compared:
    """A program around the function, and its derivatives."""
    in_program, arguments = as_in_programs(case)
    function, plain_function = in_program(case.function), in_program(case.plain)
    plain = jax.jit(lambda *a: derivatives(program, plain_function, case, a))
    reference = case.reference_by(plain, *arguments)
    differentiated = jax.jit(lambda *a: derivatives(program, function, case, a))
    try:
        found = differentiated(*arguments)
    except TypeError as error:
        if "PRNG key" in str(error):
            raise SkipTest(STORED_KEY) from error
        raise
    return case.compare(found, reference)


def as_in_programs(case: Case) -> tuple[Function, tuple[PyTree, ...]]:
    """What makes of a function that of a program, which stays in the domain, and its arguments."""
    x, floats = case.rule.start, map(jnp.asarray, case.floats)
    if not case.rule.joins_arrays:
        return case.in_domain, (x, *floats)
    return lambda function: of_one_array(x, case.in_domain(function)), (ravel_pytree(x)[0], *floats)


def of_one_array(tree: PyTree, function: Function) -> Function:
    """The function of an array that holds all arrays of x, one after the other."""
    # Not with what ravel_pytree returns, which refuses 64 bits
    leaves, structure = jax.tree.flatten(tree)
    ends = np.cumsum([leaf.size for leaf in leaves])

    def of_array(array: jax.Array, *floats: Any) -> jax.Array:
        parts = jnp.split(array, ends[:-1])
        new_leaves = [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]
        value = function(jax.tree.unflatten(structure, new_leaves), *floats)
        return ravel_pytree(value)[0]

    return of_array


def check_mesh(case: Case) -> Compared:
    """The program `mesh`, if JAX can run the function on two devices without derivatives."""
    if len(jax.devices()) < 2:  # pragma: no cover - in a process of its own
        raise SkipTest("one device: jax.config.update('jax_num_cpu_devices', 2) makes two CPUs")
    in_program, arguments = as_in_programs(case)
    function = in_program(case.function)
    on_devices = partial(on_two_devices, lambda row: function(*row))
    what = f"{case}, without derivatives,"
    attempt(SkipTest, what, jax.jit(on_devices), rows(arguments))
    return check_program(mesh, case)


def check_parameter_for_each_column(case: Case) -> Compared:
    """That program, unless the rule refuses arrays: one may sum its gradient by a parameter."""
    in_program, arguments = as_in_programs(case)
    loss = loss_of(partial(parameter_for_each_column, in_program(case.function)))
    gradient = jax.grad(loss, range(len(arguments)))
    attempt(SkipTest, str(case), jax.eval_shape, gradient, *arguments)
    return check_program(parameter_for_each_column, case)


def check_cotangents(case: Case) -> Compared:
    """Gradients are proportional to cotangents, from 0 to infinity."""
    x, compared = case.rule.start, Compared()
    # Several slopes times infinity may cancel, and then NaN is right
    has_one_slope = case.rule.element_by_element and len(jax.tree.leaves(case.value_at_start)) == 1
    for size in case.rule.cotangents:
        cotangent = partial(cotangent_like, size=size)
        found = case.call(x, case.parameters, cotangent)
        if np.isfinite(size):
            plain = partial(case.plain_call, cotangent=cotangent)
            reference = case.reference_by(plain, x, case.floats)
            compared += case.compare(found, reference, f", with cotangents up to {size:g},")
        elif has_one_slope:
            compared += compare_infinite(case, found)
    return compared


def compare_infinite(case: Case, found: Results) -> Compared:
    """With infinite cotangents, a gradient is infinite, too, unless the slope is 0.

    A slope that is a sum of terms with both signs is NaN, as in plain JAX.
    """
    x = case.rule.start
    expected = case.reference(x).expected.gradient
    plain = case.plain_call(x, case.floats, partial(cotangent_like, size=np.inf)).gradient
    compared = Compared()
    triples = zip(*map(jax.tree.leaves, (found.gradient, expected, plain)), strict=True)
    for array, finite, with_infinity in triples:
        infinite = np.copysign(np.inf, finite)
        is_right = np.asarray(array, float) == infinite
        is_right |= np.isnan(array) & np.isnan(with_infinity)
        wrong = (abs(finite) > 1e-30) & ~is_right
        if wrong.any():
            raise AssertionError(
                f"gradient by x of {case}, with infinite cotangents, is "
                f"{array[wrong][0]:.7g} and should be {infinite[wrong][0]}"
            )
        compared += Compared(finite.size)
    return compared


X_DTYPES = (("float16",), ("bfloat16",), ("float32",), ("bfloat16", "float32"))


def check_dtypes(case: Case) -> Compared:
    """Values and gradients are in the dtypes of plain JAX, and about as exact."""
    compared, reasons = Compared(), []
    for dtypes in X_DTYPES:
        if len(dtypes) > len(jax.tree.leaves(case.rule.start)):
            continue
        try:
            compared += check_dtypes_of_x(dtypes, case)
        except SkipTest as skipped:
            reasons.append(f"x in {' and '.join(dtypes)}: {skipped}")
    if reasons:
        raise SkipTest("; ".join(reasons))
    return compared


def check_dtypes_of_x(dtypes: Sequence[str], case: Case) -> Compared:
    """The same for x in these dtypes, and parameters that are numbers or arrays of them."""
    x = cast(ordinary_points(case.rule), *dtypes)
    # Numbers that all of these types have
    exact = [jnp.asarray(number, "bfloat16") for number in case.floats]
    plain_numbers = [a if a.ndim else float(a) for a in exact]
    all_given: list[list[Any]] = [plain_numbers]
    if exact:
        all_given += [cast(exact, "float32"), exact]
    compared = Compared()
    for given in all_given:
        reference = case.reference(x, given)
        circumstances = f", x in {' and '.join(dtypes)} and numbers in {dtypes_of(given)},"
        found = unless_plain_fails(case, reference, partial(case.jitted_call, x, given))
        plain_dtypes = [
            dtypes_of(jax.eval_shape(case.value, x, *numbers)) for numbers in (given, plain_numbers)
        ]
        require_dtypes(case, circumstances, (x, *map(jnp.asarray, given)), dtypes, plain_dtypes)
        compared += unless_plain_fails(
            case, reference, partial(case.compare, found, reference, circumstances)
        )
    return compared


def unless_plain_fails(case: Case, reference: Reference, call: Function) -> Any:
    """What the call returns. If it fails, and plain JAX in these dtypes, too, the check is skipped."""
    try:
        return call()
    except Exception:
        attempt(SkipTest, f"plain JAX for {case}", lambda: reference.in_own_dtype)
        raise


def require_dtypes(
    case: Case,
    circumstances: str,
    arguments: Sequence[PyTree],
    dtypes: Sequence[str],
    plain_dtypes: list[list[str]],
) -> None:
    """Raise AssertionError unless a value has a dtype of plain JAX, and gradients theirs."""

    def value_and_gradients(*arguments: PyTree) -> tuple[PyTree, tuple[PyTree, ...]]:
        value, pull_back = jax.vjp(case.function, *arguments)
        return value, pull_back(value)

    value, gradients = jax.eval_shape(value_and_gradients, *arguments)
    found = dtypes_of(value)
    if found not in plain_dtypes and not {*found} <= {*dtypes}:
        raise AssertionError(
            f"value of {case}{circumstances} is in {found}, not in {plain_dtypes[0]}"
        )
    for name, gradient, argument in zip(case.names, gradients, arguments, strict=True):
        # Where plain JAX promotes the value, a gradient by x may be promoted with it
        promoted = plain_dtypes[0] if name == "x" else []
        if dtypes_of(gradient) not in (dtypes_of(argument), promoted):
            raise AssertionError(
                f"gradient by {name} of {case}{circumstances} is in {dtypes_of(gradient)}"
            )


def ordinary_points(rule: Rule) -> PyTree:
    """Those x for single calls that 16 bits have without an overflow of squares."""
    points = rule.points_of_calls
    if not rule.element_by_element:
        return points
    leaves = jax.tree.leaves(points)
    size = max(float(np.max(abs(leaf), initial=0)) for leaf in jax.tree.leaves(rule.start))
    largest = np.max([abs(leaf) for leaf in leaves], 0)
    kept = largest.reshape(len(largest), -1).max(1) <= 100 * (size or 1.0)
    return jax.tree.map(lambda leaf: leaf[kept], points)


def check_memory(case: Case) -> Compared:
    """What is stored for the backward pass: no more than one array as large as x, and parameters.

    Masks count by their bytes. An array as large as x that stays the same for another x needn't be
    stored, unless it is a parameter.
    """
    for dtype in ("float32", "bfloat16"):
        x = cast(case.rule.points_of_calls, dtype)
        attempt(SkipTest, f"plain JAX for x in {dtype}", case.value, x, *case.floats)
        moved = jax.tree.map(lambda leaf: jnp.asarray(np.roll(leaf, 1)), scaled(0.7, x))
        pairs = zip(residuals(case, x), residuals(case, moved), strict=True)
        arrays = [(here, there) for here, there in pairs if np.size(here) > 1]
        size_of_x = min(np.size(leaf) for leaf in jax.tree.leaves(x))
        fixed = [
            here
            for here, there in arrays
            if np.size(here) >= size_of_x and here.dtype != bool and np.array_equal(here, there)
        ]
        what = f"is stored for the backward pass of {case}, x in {dtype}"
        if bytes_of([here for here, _ in arrays]) > bytes_of((x, case.parameters)):
            raise AssertionError(f"more than an array as large as x {what}")
        if bytes_of(fixed) > bytes_of(case.parameters):
            raise AssertionError(f"an array that doesn't depend on x {what}")
    return Compared()


def residuals(case: Case, x: PyTree) -> list[Any]:
    """The arrays that wait for the backward pass."""
    pull_back = jax.vjp(lambda x: case.rule.function(x, *case.parameters), x)[1]
    return jax.tree.leaves(pull_back)


def bytes_of(tree: PyTree) -> int:
    """How much memory all arrays take."""
    return sum(leaf.nbytes for leaf in jax.tree.leaves(tree) if hasattr(leaf, "nbytes"))


def check_nan(case: Case) -> Compared:
    """NaN stays NaN where plain JAX keeps it, and makes no other number NaN."""
    x, cotangent = case.rule.start, cotangent_like(case.value_at_start)
    slopes = case.reference(x).expected.gradient["x"]
    x_with_nan = jax.tree.map(with_nan, x, slopes)
    value = case.value(x_with_nan, *case.floats)
    value_is_nan = np.concatenate([np.isnan(a).ravel() for a in jax.tree.leaves(value)])
    compare_nan(case, "x", x_with_nan, cotangent, value_is_nan)
    slope_of_shape = {slope.shape: slope for slope in jax.tree.leaves(slopes)}
    cotangent_with_nan = jax.tree.map(
        lambda leaf: with_nan(leaf, slope_of_shape.get(leaf.shape, leaf)), cotangent
    )
    compare_nan(case, "the cotangent", x, cotangent_with_nan, np.array([True]))
    return Compared()


def with_nan(leaf: jax.Array, slope: Any) -> jax.Array:
    """An array with one NaN, where the slope is largest."""
    if not leaf.size:
        return leaf
    numbers = np.array(leaf)
    numbers.flat[np.argmax(abs(np.asarray(slope)))] = np.nan
    return jnp.asarray(numbers)


def compare_nan(
    case: Case, where: str, x: PyTree, cotangent: PyTree, value_is_nan: np.ndarray
) -> None:
    """Raise AssertionError unless NaN is where it should be, and hardly anywhere else."""
    found = case.call(x, case.parameters, lambda value: cotangent)
    plain, with_distance = attempt(
        SkipTest,
        f"plain JAX for {case}",
        lambda: (
            case.plain_call(x, case.floats, lambda value: cotangent),
            case.plain(x, *case.floats),
        ),
    )
    possible = plain._replace(value=with_distance)
    leaves = jax.tree_util.tree_flatten_with_path(found)[0]
    pairs = zip(leaves, jax.tree.leaves(plain), jax.tree.leaves(possible), strict=True)
    for (path, array), wanted, most in pairs:
        # A value that ignores NaN in x, as x >= 0 does, has a slope there
        required = np.isnan(wanted) & (
            value_is_nan.reshape(wanted.shape)
            if value_is_nan.size == wanted.size
            else value_is_nan.any()
        )
        is_missing = np.any(required & ~np.isnan(array))
        spreads = np.isnan(array).sum() > max(1, np.isnan(most).sum())
        if is_missing or (spreads and case.rule.element_by_element):
            raise AssertionError(
                f"{name_of(path)} of {case}, with NaN in {where}, is {array} and should be {most}"
            )


def check_bad(case: Case) -> Compared:
    """Under jit, no error can be raised: bad parameters make all numbers NaN."""
    found = case.jitted_call(case.rule.start, case.floats)
    for path, array in jax.tree_util.tree_flatten_with_path(found)[0]:
        what = f"{name_of(path)} of {case}"
        if not np.isnan(array).all():
            raise AssertionError(f"{what} is {array}, not NaN")
    return Compared()


# All checks, and what each needs: a reason to leave it out, or an empty string


def needs_elements(rule: Rule) -> str:
    return "" if rule.element_by_element else "element_by_element is False"


def needs_whole_arrays(rule: Rule) -> str:
    done = "element_by_element is True, so `points` and `shape_...` do this"
    return done if rule.element_by_element else ""


def needs_float_parameters(rule: Rule) -> str:
    return "" if rule.cases[0].floats else "no parameter is a float"


def needs_single_floats(rule: Rule) -> str:
    floats = rule.cases[0].floats
    are_single = bool(floats) and all(np.ndim(number) == 0 for number in floats)
    return "" if are_single else "parameters aren't single floats"


def needs_several_inputs(rule: Rule) -> str:
    inputs = 1 if rule.joins_arrays else len(jax.tree.leaves(rule.x))
    has_several = inputs + len(rule.cases[0].floats) > 1
    return "" if has_several else "the function has one argument, an array"


def needs_several_outputs(rule: Rule) -> str:
    if rule.joins_arrays:
        return f"more than {MOST_ARRAYS} arrays of x are joined, and so are the results"
    has_several = len(jax.tree.leaves(rule.cases[0].value_at_start)) > 1
    return "" if has_several else "the function has one result, an array"


def needs_forward_mode(rule: Rule) -> str:
    return "" if rule.forward_mode and rule.second else "forward_mode or second is False"


def needs_bad_parameters(rule: Rule) -> str:
    return "" if rule.bad else "no bad parameters are given"


def needs_own_residuals(rule: Rule) -> str:
    chosen = "JAX chooses what is stored, without jax.custom_vjp; memory=True checks it"
    return "" if rule.checks_memory else chosen


class Spec(NamedTuple):
    """A check, and when it runs."""

    name: str
    check: CheckOfCase
    needs: Sequence[Callable[[Rule], str]] = ()
    is_fast: bool = False  # one of those that find most mistakes within seconds


def program_spec(program: Function, *needs: Callable[[Rule], str], is_fast: bool = False) -> Spec:
    """The check of a program has its name."""
    return Spec(program.__name__, partial(check_program, program), needs, is_fast)


FAST_SHAPES = {"no_axes", "shape_1_6", "shape_square", "longer", "batch_of_5"}
SPECS = (
    Spec("points", check_points, is_fast=True),
    Spec("edges", check_edges, [needs_whole_arrays], is_fast=True),
    *[
        Spec(name, partial(check_shape, shape), [needs_elements], name in FAST_SHAPES)
        for name, shape in SHAPES.items()
    ],
    *[
        Spec(name, partial(check_other_shape, name), [needs_whole_arrays], name in FAST_SHAPES)
        for name in OTHER_SHAPES
    ],
    Spec("python_numbers", check_python_numbers, [needs_elements], is_fast=True),
    Spec("integers", check_integers, [needs_single_floats], is_fast=True),
    Spec("cotangents", check_cotangents, is_fast=True),
    Spec("dtypes", check_dtypes, is_fast=True),
    Spec("memory", check_memory, [needs_own_residuals], is_fast=True),
    Spec("nan", check_nan, is_fast=True),
    Spec("bad", check_bad, [needs_bad_parameters], is_fast=True),
    program_spec(one_call, is_fast=True),
    program_spec(two_calls, is_fast=True),
    program_spec(jacobian),
    program_spec(vmap_over_x),
    program_spec(vmap_in_vmap),
    program_spec(vmap_over_parameters, needs_float_parameters, is_fast=True),
    program_spec(vmap_over_both, needs_float_parameters, is_fast=True),
    Spec(
        "parameter_for_each_column",
        check_parameter_for_each_column,
        [needs_elements, needs_single_floats],
        is_fast=True,
    ),
    program_spec(arguments_alone, needs_several_inputs),
    program_spec(outputs_alone, needs_several_outputs, is_fast=True),
    program_spec(recurrent_scan, is_fast=True),
    program_spec(scan_in_scan),
    program_spec(checkpointed_scan),
    program_spec(training),
    Spec("mesh", check_mesh),
    program_spec(forward_mode, needs_forward_mode),
)


# How checks are run


def as_named_check(rule: Rule, spec: Spec) -> Check:
    """A check as a function without arguments, which runs it with all sets of parameters."""
    name = spec.name

    def run() -> str:
        if reason := attempt(AssertionError, f"{rule.name} in {name}", rule.left_out, spec):
            raise SkipTest(reason)
        compared, reasons = Compared(), []
        for parameters in rule.bad if name == "bad" else rule.parameters:
            case = Case(rule, parameters, name)
            try:
                compared += attempt(AssertionError, str(case), spec.check, case)
            except SkipTest as skipped:
                reasons.append(str(skipped))
        if compared.undecided > (1 - MIN_COMPARED) * compared.numbers:
            reasons.append(f"{compared}, at which plain JAX gives no number")
        if reasons:
            raise SkipTest("; ".join(dict.fromkeys(reasons)))
        return str(compared)

    run.__name__ = run.__qualname__ = name
    return run


@dataclass(frozen=True)
class Result:
    """What a check said: ``outcome`` is passed, skipped or failed."""

    check: str
    outcome: str
    seconds: float
    message: str

    @classmethod
    def of(cls, check: Check) -> "Result":
        """Run a check."""
        started = time.perf_counter()
        try:
            outcome, message = "passed", check()
        except SkipTest as skipped:
            outcome, message = "skipped", str(skipped)
        except AssertionError as failed:
            outcome, message = "failed", str(failed)
        return cls(check.__name__, outcome, time.perf_counter() - started, message)

    def __str__(self) -> str:
        """A row of a table."""
        return f"{self.check:<26} {self.outcome:<8} {self.seconds:6.1f} s  {self.message}".rstrip()


def first_and_others(failed: Sequence[Result]) -> str:
    """The first message, and how many other checks fail."""
    first, *others = failed
    if not others:
        return first.message
    names = ", ".join(result.check for result in others)
    fail = "check fails" if len(others) == 1 else "checks fail"
    return f"{first.message}\n{len(others)} other {fail}: {names}"
