"""The public face of `_relu_grad.py`: what it takes, what it refuses, and the parameter object."""

import copy
import dataclasses
import enum
import math
import pickle
import reprlib
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify

import relugrad as surrogate
from relugrad import ReluGrad, relu_grad

Function = Callable[..., Any]

X = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
ABSTRACT = jax.eval_shape(lambda: X)  # a jax.ShapeDtypeStruct
FLOATS = ["float16", "bfloat16", "float32", "float64"]
NUMBERS = ["bool", "uint8", "int8", "int16", "int32", "int64", "uint64"]

parametrize_names = pytest.mark.parametrize("name", ["alpha", "width"])
parametrize_modes = pytest.mark.parametrize("forward_mode", [False, True])
parametrize_methods = pytest.mark.parametrize(
    "method", ["__call__", "surrogate_grad", "surrogate_fun"]
)


class Level(enum.IntEnum):
    """An int by another name."""

    LOW = 1


class Convertible:
    """An object that JAX knows how to read."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __jax_array__(self) -> jax.Array:
        """Return what JAX computes with."""
        return jnp.asarray(self.value)


class Leaky(ReluGrad):
    """A subclass that adds nothing."""


@dataclasses.dataclass(frozen=True, eq=False)
class Named(ReluGrad):
    """A subclass that adds a field."""

    name: str = "hidden"


def gradient(function: Function, x: Any) -> Any:
    """Differentiate the sum of a function over x."""
    return jax.grad(lambda x: function(x).sum())(x)


def kind(value: object) -> str:
    """Name a case by its type, because the repr of some holds an address."""
    return type(value).__name__


# Promise 1: values


@parametrize_modes
def test_promise_01_the_lines_of_the_reference_page(forward_mode: bool) -> None:
    """The page's signature, input, spikes and gradients, through the page's import."""
    spike = surrogate.ReluGrad(alpha=0.3, width=1.0, forward_mode=forward_mode)
    assert str(spike(X)) == "[0. 0. 1. 1. 1.]"
    assert str(jax.vmap(jax.grad(spike))(X)) == "[0.   0.15 0.3  0.15 0.  ]"


@parametrize_modes
def test_promise_01_object_and_function_are_one(forward_mode: bool) -> None:
    """Defaults too."""
    for arguments in ((), (0.7,), (0.7, 2.0)):
        spike = ReluGrad(*arguments, forward_mode=forward_mode)
        for f in (lambda f: f, lambda f: lambda x: gradient(f, x)):
            one, other = (
                f(spike),
                f(lambda x, a=arguments: relu_grad(x, *a, forward_mode=forward_mode)),
            )
            np.testing.assert_array_equal(one(X), other(X))
    assert ReluGrad() == ReluGrad(0.3, 1.0) == ReluGrad(width=1.0, alpha=0.3)


# Promise 3: types


@parametrize_methods
@pytest.mark.parametrize("parameter", ["int8", *FLOATS])
@pytest.mark.parametrize("dtype", FLOATS)
def test_promise_03_floats_come_back_as_they_came(
    method: str, dtype: str, parameter: str, x64: None
) -> None:
    """Values and gradients, whatever the dtype of alpha and width."""
    x = X.astype(dtype)
    function = getattr(ReluGrad(jnp.ones(5, parameter), jnp.ones((), parameter)), method)
    abstract = jax.eval_shape(lambda x: function(x), x)
    assert function(x).dtype.name == abstract.dtype.name == dtype
    assert gradient(function, x).dtype.name == dtype


def test_promise_03_float64_is_computed_in_float64(x64: None) -> None:
    """Python's parameters are not rounded to float32 on the way."""
    assert gradient(ReluGrad(0.3), np.float64(0.1)) == 0.3 * (1.0 - 0.1)
    assert gradient(ReluGrad(1e-300, 1e200), np.float64(1e199)) == pytest.approx(0.9e-100)


def test_promise_03_without_x64_float64_is_float32_as_everywhere_in_jax() -> None:
    """NumPy's default dtype."""
    assert relu_grad(np.ones(3)).dtype == jnp.sin(np.ones(3)).dtype == jnp.float32


@parametrize_methods
@pytest.mark.parametrize("dtype", NUMBERS)
def test_promise_03_integers_and_booleans_promote_as_in_sin(method: str, dtype: str) -> None:
    """NumPy arrays and scalars, JAX arrays; the values are those at the promoted x."""
    x = np.array([0, 1, 1]).astype(dtype)
    function = getattr(ReluGrad(0.5, 1.5), method)
    for value in (x, x[0], jnp.asarray(x)):
        assert function(value).dtype == jnp.sin(value).dtype
    np.testing.assert_array_equal(function(x), function(jnp.array([0.0, 1.0, 1.0])))


@pytest.mark.parametrize("dtype", NUMBERS)
def test_promise_03_integers_promote_as_in_sin_with_x64(dtype: str, x64: None) -> None:
    """To float64 there, or to what `jnp.sin` says."""
    x = np.ones(3, dtype)
    assert relu_grad(x).dtype == jnp.sin(x).dtype


@pytest.mark.parametrize(
    "x", [3, -3, True, 0.5, Level.LOW, 10**400, -(10**400), np.float64(2), np.array(2)], ids=str
)
def test_promise_03_numbers_of_python_and_numpy_are_taken(x: Any) -> None:
    """Ints of any size too: where `jnp.sin` overflows, a step still knows the side."""
    spikes = relu_grad(x)
    assert (spikes.shape, spikes.dtype.name, spikes) == ((), "float32", x >= 0)


def test_promise_03_an_object_that_jax_can_read_is_taken() -> None:
    """As x and as a parameter."""
    x: Any = Convertible(X)
    alpha: Any = Convertible(0.5)
    np.testing.assert_array_equal(relu_grad(x), [0, 0, 1, 1, 1])
    assert ReluGrad(alpha, 2) == ReluGrad(jnp.asarray(0.5), 2)


def test_promise_03_an_object_that_says_it_can_be_read_and_cannot_is_a_type_error() -> None:
    """One that answers to every name."""

    class Answers:
        def __getattr__(self, name: str) -> Any:
            return None

    for name in ("x", "alpha", "width"):
        arguments: dict[str, Any] = {"x": X, name: Answers()}
        with pytest.raises(TypeError, match=f"^{name} must be a real number"):
            relu_grad(**arguments)


def test_promise_03_an_empty_x_is_no_special_case() -> None:
    """The shape is what broadcasting says."""
    x = jnp.zeros((0, 3))
    assert relu_grad(x, jnp.ones(3)).shape == gradient(relu_grad, x).shape == (0, 3)


NOT_REAL = [
    1j,
    jnp.ones(2, complex),
    np.ones(2, complex),
    "0.5",
    b"0.5",
    np.array("0.5"),
    None,
    [0.5],
    (0.5,),
    {"x": 0.5},
    {0.5},
    Decimal(1),
    object(),
    float,
    Convertible,
    np.array([0.5], object),
    np.array([(0.5,)], [("field", float)]),
    np.ma.masked_array([0.5, 0.5], [True, False]),
    type("array", (), {})(),  # by the name of a class of Python
    type("Table", (), {"dtype": np.ones(2)})(),  # whose dtype is no dtype, as that of pandas may be
    np.timedelta64(1, "s"),
    memoryview(b"0.5"),
    jax.random.key(0),
    ABSTRACT,
    ReluGrad(),
]


@pytest.mark.parametrize("value", NOT_REAL, ids=kind)
def test_promise_03_what_is_not_real_is_a_type_error_that_names_x(value: Any) -> None:
    """The message also says what was expected, and of which type the value is."""
    words = rf"^x must be a real number .* of type {type(value).__name__}$"
    for function in (relu_grad, *(getattr(ReluGrad(), m) for m in ("surrogate_grad", "__call__"))):
        with pytest.raises(TypeError, match=f"(?s){words}"):
            function(value)


# Promise 4: parameters


@parametrize_names
@pytest.mark.parametrize(
    "value",
    [*NOT_REAL, True, np.True_, np.array(True), jnp.ones(5, bool)],
    ids=kind,
)
def test_promise_04_a_parameter_of_a_wrong_type_is_a_type_error_that_names_it(
    name: str, value: Any
) -> None:
    """A bool is not a steepness; the message shows type and value."""
    words = rf"(?s)^{name} must be a real number .* of type {type(value).__name__}$"
    with pytest.raises(TypeError, match=words):
        ReluGrad(**{name: value})
    with pytest.raises(TypeError, match=words):
        relu_grad(X, **{name: value})


@parametrize_names
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-1, "-1"),
        (-0.25, "-0.25"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (-(10**400), "-inf"),
        (np.float32(-0.5), "-0.5"),
        (jnp.float32(-0.5), "-0.5"),
        (np.array([1, 2, -3]), "-3.*in array"),
        (jnp.array([1, 2, -3.5]), "-3.5.*in Array"),
        (np.array([1, 1e300]), "1e\\+300.*in array"),  # not finite in float32, of which it is to be
    ],
    ids=reprlib.repr,
)
def test_promise_04_a_bad_parameter_is_a_value_error_that_names_and_shows_it(
    name: str, value: Any, shown: str
) -> None:
    """By the constructor, by the function, and inside `jit` as long as the value is known."""
    words = rf"^{name} must be positive and finite.*got {shown}"
    with pytest.raises(ValueError, match=words):
        ReluGrad(**{name: value})
    x = jnp.zeros(3)
    with pytest.raises(ValueError, match=words):
        relu_grad(x, **{name: value})
    with pytest.raises(ValueError, match=words):
        jax.jit(lambda x: relu_grad(x, **{name: value}))(x)


@parametrize_names
@pytest.mark.parametrize("value", [math.ulp(0.0), 1e-50, 1.0, 1e50, sys.float_info.max])
def test_promise_04_the_constructor_takes_every_positive_finite_number(
    name: str, value: float
) -> None:
    """Which of them the dtype of x can hold is known when there is an x."""
    parameter: Any = {name: value}
    assert getattr(ReluGrad(**parameter), name) == value


@parametrize_names
@pytest.mark.parametrize("value", [1e-40, 1e40])
def test_promise_04_what_the_dtype_of_x_cannot_hold_is_bad_there(
    name: str, value: float, x64: None
) -> None:
    """A good float64 may be 0 or infinite in float32."""
    parameter: Any = {name: value}
    spike = ReluGrad(**parameter)
    assert relu_grad(jnp.float64(1), **parameter) == spike(jnp.float64(1)) == 1
    for dtype in (jnp.float16, jnp.float32):
        with pytest.raises(ValueError, match=rf"^{name} must be .*in float32.*got 1e[+-]40$"):
            spike(jnp.ones(3, dtype))


@pytest.mark.parametrize("value", [1e-37, 3e38])
def test_promise_04_the_ends_of_float32_are_good(value: float) -> None:
    """Also for float16, which is computed in float32."""
    for x in (X, X.astype(jnp.float16)):
        np.testing.assert_array_equal(relu_grad(x, value, value), [0, 0, 1, 1, 1])


@pytest.mark.parametrize(
    "one", [1, 1.0, Level.LOW, np.float16(1), np.int8(1), np.array(1), jnp.float32(1), jnp.ones(5)]
)
def test_promise_04_scalars_and_arrays_of_python_numpy_and_jax(one: Any) -> None:
    """The same spikes and gradients from each of them."""
    for spike in (ReluGrad(one, one), lambda x: relu_grad(x, one, one)):
        np.testing.assert_array_equal(spike(X), [0, 0, 1, 1, 1])
        np.testing.assert_array_equal(gradient(spike, X), [0, 0.5, 1, 0.5, 0])


@parametrize_modes
def test_promise_04_parameters_broadcast_against_x(forward_mode: bool) -> None:
    """In NumPy's way: a triangle for each neuron; results and gradients keep their shapes."""
    x, alpha, width = X[:, None, None], np.array([[0.3], [0.5]]), jnp.array([0.5, 1.0, 2.0])
    spike = ReluGrad(alpha, width, forward_mode=forward_mode)
    slope = alpha * np.maximum(0, np.asarray(width) - np.abs(np.asarray(x)))
    assert spike(x).shape == slope.shape == (5, 2, 3)
    np.testing.assert_array_equal(spike(x), np.broadcast_to(x >= 0, (5, 2, 3)))
    np.testing.assert_allclose(spike.surrogate_grad(x), slope, rtol=1e-6)
    np.testing.assert_allclose(
        gradient(spike, x), slope.sum((1, 2), keepdims=True), rtol=1e-6, atol=1e-7
    )


@parametrize_methods
def test_promise_04_what_does_not_broadcast_is_a_value_error(method: str) -> None:
    """With the three shapes."""
    words = r"^alpha and width must broadcast .*x: \(5,\), alpha: \(2,\), width: \(\)"
    function = getattr(ReluGrad(jnp.ones(2)), method)
    for call in (function, jax.jit(lambda x: function(x))):
        with pytest.raises(ValueError, match=words):
            call(X)


@parametrize_modes
@parametrize_names
@pytest.mark.parametrize("bad", [0.0, -1.0, jnp.nan, jnp.inf, -jnp.inf])
def test_promise_04_a_bad_parameter_that_only_a_trace_knows_is_loud(
    bad: float, name: str, forward_mode: bool
) -> None:
    """NaN spikes and NaN gradients, for it alone, under `jit`, `vmap` and `scan`."""

    def both(value: jax.Array) -> tuple[jax.Array, jax.Array]:
        def spike(x: jax.Array) -> jax.Array:
            return relu_grad(x, **{name: value}, forward_mode=forward_mode)

        return spike(X), gradient(spike, X)

    values = jnp.array([1.0, bad])
    for spikes, gradients in (
        jax.tree.map(lambda *v: jnp.stack(v), *(jax.jit(both)(v) for v in values)),
        jax.vmap(both)(values),
        jax.lax.scan(lambda carry, value: (carry, both(value)), None, values)[1],
    ):
        np.testing.assert_array_equal(spikes, [[0, 0, 1, 1, 1], [np.nan] * 5])
        np.testing.assert_array_equal(np.isnan(gradients), [[False] * 5, [True] * 5])


@pytest.mark.parametrize("value", [0, 1, None, "yes", jnp.array(True)])
def test_promise_04_forward_mode_is_a_bool(value: Any) -> None:
    """And takes nothing that only looks like one."""
    for call in (lambda: ReluGrad(forward_mode=value), lambda: relu_grad(X, forward_mode=value)):
        with pytest.raises(TypeError, match=r"^forward_mode must be True or False; got "):
            call()


# Promise 5: NaN and infinity


@parametrize_modes
@pytest.mark.parametrize("dtype", FLOATS)
def test_promise_05_nan_in_nan_out_and_infinity_outside(
    dtype: str, forward_mode: bool, x64: None
) -> None:
    """Spikes and gradients, in every dtype."""
    x = jnp.array([jnp.nan, jnp.inf, -jnp.inf], dtype)
    spike = ReluGrad(forward_mode=forward_mode)
    # In float32, because NumPy's testing tools know no NaN in bfloat16.
    np.testing.assert_array_equal(spike(x).astype(jnp.float32), [np.nan, 1, 0])
    np.testing.assert_array_equal(gradient(spike, x).astype(jnp.float32), [np.nan, 0, 0])


# Promise 6: parameters are pytree leaves


@parametrize_methods
def test_promise_06_one_compiled_function_serves_every_alpha_and_width(method: str) -> None:
    """Numbers of any kind; only forward_mode, which is structure, is compiled anew."""
    traces = []

    @jax.jit
    def apply(spike: ReluGrad, x: jax.Array) -> Any:
        traces.append(spike)
        return gradient(getattr(spike, method), x)

    for spike in (ReluGrad(), ReluGrad(0.5, 2.0), ReluGrad(1, 3), ReluGrad(np.float32(2))):
        apply(spike, X)
    assert len(traces) == 1
    apply(ReluGrad(forward_mode=True), X)
    assert len(traces) == 2


def test_promise_06_a_call_outside_jit_compiles_once_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever the numbers, the function that a call dispatches is the same."""
    x = jnp.zeros((3, 1, 4, 1, 5))  # a shape that no other test has compiled
    with jax.log_compiles():
        relu_grad(x, 0.3, 1.0)
        assert any("Compiling" in record.message for record in caplog.records)
        caplog.clear()
        relu_grad(x, 0.5, 2)
        ReluGrad(0.7, width=np.float64(3))(x)
    assert not caplog.records


def test_promise_11_a_number_is_transferred_once() -> None:
    """The second call finds both on the device; an x that was put on one by name gets the same."""
    x = jnp.linspace(-2, 2, 5)
    for call in (relu_grad, ReluGrad(), ReluGrad().surrogate_grad, ReluGrad().surrogate_fun):
        first = call(x)
        with jax.transfer_guard("disallow_explicit"):
            second = call(x)
        np.testing.assert_array_equal(second, first)
        np.testing.assert_array_equal(call(jax.device_put(x, jax.devices()[0])), first)


def test_promise_03_a_number_kept_in_single_precision_is_not_used_in_double(x64: None) -> None:
    """What float32 was given doesn't round what float64 is given after it."""
    for dtype, expected in ((jnp.float32, np.float32(0.3)), (jnp.float64, np.float64(0.3))):
        slope = ReluGrad(0.3, 1.0).surrogate_grad(jnp.zeros((), dtype))
        assert slope == expected
        assert slope.dtype == dtype


def test_promise_06_vmap_sweeps_a_grid_in_one_program() -> None:
    """A `ReluGrad` of arrays, one triangle for each of its elements, as in a Python loop."""
    alpha, width = map(jnp.ravel, jnp.meshgrid(jnp.array([0.3, 0.5, 1.0]), jnp.array([1.0, 2.0])))
    grid = ReluGrad(alpha, width)
    swept = jax.jit(jax.vmap(lambda spike: gradient(spike, X)))(grid)
    looped = [gradient(ReluGrad(a, w), X) for a, w in zip(alpha, width, strict=True)]
    np.testing.assert_array_equal(swept, looped)
    assert jax.vmap(lambda spike: spike)(grid) == grid


def test_promise_06_leaves_are_alpha_and_width_by_name() -> None:
    """As their key paths show them."""
    spike: Any = ReluGrad(0.5, 2.0, forward_mode=True)
    leaves, structure = jax.tree_util.tree_flatten_with_path(spike)
    assert [(jax.tree_util.keystr(path), leaf) for path, leaf in leaves] == [
        (".alpha", 0.5),
        (".width", 2.0),
    ]
    assert jax.tree.unflatten(structure, [3.0, 4.0]) == ReluGrad(3.0, 4.0, forward_mode=True)


@pytest.mark.parametrize("leaf", [None, object(), "text", -1.0, jnp.nan, ABSTRACT], ids=kind)
def test_promise_06_tree_utilities_may_put_anything_into_the_leaves(leaf: Any) -> None:
    """Only a person's constructor call validates."""
    structure: Any = jax.tree.structure(ReluGrad())
    spike = jax.tree.map(lambda _: leaf, ReluGrad(forward_mode=True))
    assert type(spike) is ReluGrad
    assert spike.alpha is spike.width is leaf
    assert repr(spike) == f"ReluGrad(alpha={leaf!r}, width={leaf!r}, forward_mode=True)"
    assert spike == copy.copy(spike)
    assert structure.unflatten([leaf, 1.0]).alpha is leaf


def test_promise_06_an_instance_travels_through_every_transformation() -> None:
    """Out of `jit`, as a carry, as an abstract value, as a gradient, as a step of an optimiser."""
    spike = ReluGrad(0.5, 2.0)
    assert jax.jit(lambda s: s)(spike) == spike
    assert jax.lax.scan(lambda s, _: (s, s(0.0)), spike, length=3)[0] == spike
    assert jax.eval_shape(lambda s: s, spike).alpha.shape == ()
    assert jax.eval_shape(lambda s, x: s(x), spike, X).shape == X.shape
    assert jax.grad(lambda s: s(X).sum())(spike) == jax.tree.map(jnp.zeros_like, spike)
    stepped = jax.tree.map(lambda leaf, change: leaf - change, spike, ReluGrad(0.25, 1.0))
    assert stepped == ReluGrad(0.25, 1.0)


def test_promise_06_instances_are_immutable() -> None:
    """Attributes can be neither set nor added nor deleted."""
    spike: Any = ReluGrad()
    for name in ("alpha", "width", "forward_mode", "extra"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(spike, name, 1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        del spike.alpha
    assert spike == ReluGrad()


@pytest.mark.parametrize("wrapped", [False, True])
def test_promise_06_an_array_of_its_owner_is_copied(wrapped: bool) -> None:
    """What the caller writes into a NumPy array later does not reach the instance."""

    class Lending:
        def __jax_array__(self) -> np.ndarray:
            return mine

    # Aligned as XLA likes it: such an array is one that JAX would share and not copy.
    memory = np.zeros(1024, np.uint8)
    start = -memory.ctypes.data % 64
    mine = memory[start : start + 256].view(np.float32)
    mine[:] = 0.5
    given: Any = Lending() if wrapped else mine
    spike = ReluGrad(given, given)
    mine[:] = -1
    assert spike == ReluGrad(np.full(64, 0.5), np.full(64, 0.5))


def test_promise_06_instances_are_comparable() -> None:
    """Equal where class, parameters and mode are; arrays by value."""
    assert ReluGrad(1, 2) == ReluGrad(1.0, np.float32(2))
    assert ReluGrad(jnp.ones(3)) == ReluGrad(np.ones(3)) != ReluGrad(1.0)
    assert ReluGrad(jnp.ones(3)) != ReluGrad(jnp.ones(2))
    others = [ReluGrad(0.5), ReluGrad(width=0.5), ReluGrad(forward_mode=True), Leaky(), 0.3, None]
    assert all(other != ReluGrad() for other in others)


def test_promise_06_instances_are_hashable_while_their_parameters_are_numbers() -> None:
    """Equal ones have equal hashes; one that holds an array says why it has none."""
    assert (
        len({ReluGrad(1, 2), ReluGrad(1.0, np.float32(2)), ReluGrad(1, 2, forward_mode=True)}) == 2
    )
    assert hash(Leaky()) != hash(ReluGrad())
    with pytest.raises(TypeError, match="unhashable"):
        hash(ReluGrad(jnp.ones(3)))


@pytest.mark.parametrize(
    "spike",
    [
        ReluGrad(0.5, 2.0),
        ReluGrad(forward_mode=True),
        ReluGrad(jnp.array([0.5, 1.0]), np.ones(2)),
        Leaky(0.5),
        Named(name="output"),
        jax.tree.map(lambda _: None, ReluGrad()),
    ],
    ids=repr,
)
def test_promise_06_instances_are_picklable_and_can_be_copied(spike: ReluGrad) -> None:
    """Every protocol and both copies give an equal instance of the same class."""
    clones = [pickle.loads(pickle.dumps(spike, p)) for p in range(pickle.HIGHEST_PROTOCOL + 1)]
    for clone in (*clones, copy.copy(spike), copy.deepcopy(spike)):
        assert type(clone) is type(spike)
        assert clone == spike


def test_promise_06_instances_are_usable_as_a_static_argument() -> None:
    """Equal instances share one trace."""
    traces = []

    def apply(spike: ReluGrad, x: jax.Array) -> jax.Array:
        traces.append(spike)
        return spike(x)

    static = jax.jit(apply, static_argnums=0)
    for spike in (ReluGrad(0.5), ReluGrad(np.float64(0.5)), ReluGrad(0.7)):
        np.testing.assert_array_equal(static(spike, X), [0, 0, 1, 1, 1])
    assert traces == [ReluGrad(0.5), ReluGrad(0.7)]


@pytest.mark.parametrize(
    ("spike", "expected"),
    [
        (ReluGrad(), "ReluGrad(alpha=0.3, width=1.0)"),
        (ReluGrad(1, np.float32(2)), "ReluGrad(alpha=1.0, width=2.0)"),
        (ReluGrad(forward_mode=True), "ReluGrad(alpha=0.3, width=1.0, forward_mode=True)"),
        (Leaky(), "Leaky(alpha=0.3, width=1.0)"),
    ],
)
def test_promise_06_repr_is_what_one_would_type(spike: ReluGrad, expected: str) -> None:
    """With forward_mode shown only where it is True."""
    assert repr(spike) == expected
    assert eval(expected) == spike


@pytest.mark.parametrize("spike", [Leaky(0.5, forward_mode=True), Named(0.5, name="output")])
def test_promise_06_a_subclass_is_a_pytree_of_its_own(spike: ReluGrad) -> None:
    """It stays what it is through tree utilities, and keeps what it adds."""
    assert jax.tree.map(lambda leaf: leaf, spike) == spike
    assert type(jax.jit(lambda s: s)(spike)) is type(spike)
    assert vars(jax.tree.map(lambda leaf: leaf, spike)) == vars(spike)


def test_promise_06_replace_validates_as_the_constructor_does() -> None:
    """It is a person's call."""
    assert dataclasses.replace(ReluGrad(), alpha=2) == ReluGrad(2)
    with pytest.raises(ValueError, match=r"^alpha must be positive .*got -2"):
        dataclasses.replace(ReluGrad(), alpha=-2)


def test_promise_06_forward_mode_is_given_by_name_only() -> None:
    """A third positional argument says nothing to its reader."""
    for function, arguments in ((ReluGrad, (0.3, 1.0, True)), (relu_grad, (X, 0.3, 1.0, True))):
        with pytest.raises(TypeError, match="positional"):
            function(*arguments)


# Promise 10: companions


@parametrize_modes
def test_promise_10_surrogate_grad_is_the_slope_that_backward_uses(forward_mode: bool) -> None:
    """To the bit."""
    spike, x = ReluGrad(0.7, 1.3, forward_mode=forward_mode), jnp.linspace(-2, 2, 1001)
    np.testing.assert_array_equal(spike.surrogate_grad(x), gradient(spike, x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_promise_10_surrogate_fun_is_the_integral_of_the_slope(dtype: str, x64: None) -> None:
    """0 on the left, alpha * width² / 2 at 0, alpha * width² on the right; its gradient."""
    spike, x = ReluGrad(0.5, 2.0), jnp.linspace(-3, 3, 1201).astype(dtype)
    at = spike.surrogate_fun(jnp.array([-jnp.inf, -9, -2, 0, 2, 9, jnp.inf], dtype))
    np.testing.assert_array_equal(at, [0, 0, 0, 1, 2, 2, 2])
    slope = spike.surrogate_grad(x)
    np.testing.assert_allclose(gradient(spike.surrogate_fun, x), slope, rtol=1e-6, atol=1e-7)


# Promises 3, 4 and 8 under JAX's own safety switches


@parametrize_modes
@pytest.mark.parametrize("dtype", [*FLOATS[:3], "int32", "bool"])
@pytest.mark.parametrize("parameter", [0.5, jnp.float32(0.5), jnp.full(3, 0.5)], ids=np.shape)
def test_promise_04_strict_promotion_of_dtypes_and_ranks(
    parameter: Any, dtype: str, forward_mode: bool
) -> None:
    """The package promotes on purpose, so JAX's strict modes have nothing to refuse."""
    x, spike = jnp.ones((2, 3), dtype), ReluGrad(parameter, 2, forward_mode=forward_mode)
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        for function in (spike, spike.surrogate_grad, spike.surrogate_fun):
            assert function(x).shape == (2, 3)
            floating = x.astype(function(x).dtype)
            assert gradient(lambda x, f=function: gradient(f, x), floating).shape == (2, 3)


@parametrize_modes
@parametrize_methods
def test_promise_05_debug_nans_stops_at_a_nan_and_at_nothing_else(
    method: str, forward_mode: bool
) -> None:
    """The NaN that marks a bad parameter is never computed for a good one."""
    function = getattr(ReluGrad(0.3, jnp.ones(5), forward_mode=forward_mode), method)
    with jax.debug_nans(True):
        for jit in (jax.jit, lambda f: f):
            for disabled in (False, True):
                with jax.disable_jit(disabled):
                    assert np.all(np.isfinite(jit(function)(X)))
                    assert np.all(np.isfinite(jit(lambda x: gradient(function, x))(X)))
        with pytest.raises(FloatingPointError):
            function(jnp.float32(jnp.nan))


@parametrize_modes
@parametrize_methods
def test_promise_05_checkify_finds_a_nan_and_nothing_else(method: str, forward_mode: bool) -> None:
    """It looks at every step of the computation, so at the ones that are not chosen too."""
    function = getattr(ReluGrad(forward_mode=forward_mode), method)

    def found(f: Any, x: Any) -> str | None:
        error, _ = checkify.checkify(jax.jit(f), errors=checkify.float_checks)(x)
        return error.get()

    x = np.append(X, [np.inf, -np.inf, 1, -1]).astype(np.float32)
    for differentiated in (function, jax.vmap(jax.grad(function))):
        assert found(differentiated, x) is None
        assert "nan" in str(found(differentiated, np.append(x, np.float32(np.nan))))


@parametrize_modes
def test_promise_08_no_tracer_leaks(forward_mode: bool) -> None:
    """The object that holds tracers does not outlive their trace."""
    grid = ReluGrad(jnp.array([0.3, 0.5, 1.0]), jnp.ones(3), forward_mode=forward_mode)

    def loss(x: jax.Array) -> Any:
        return jax.vmap(lambda spike: spike(x).sum())(grid).sum()

    with jax.checking_leaks():
        np.testing.assert_allclose(jax.jit(jax.grad(loss))(X), [0, 0.9, 1.8, 0.9, 0], rtol=1e-6)


@parametrize_modes
def test_promise_08_without_jit_the_same(forward_mode: bool) -> None:
    """`jax.disable_jit`, in which one walks through the functions with a debugger."""
    spike = ReluGrad(forward_mode=forward_mode)
    with jax.disable_jit():
        np.testing.assert_array_equal(spike(X), [0, 0, 1, 1, 1])
        np.testing.assert_allclose(gradient(spike, X), [0, 0.15, 0.3, 0.15, 0], rtol=1e-6)
