"""Arguments: what is accepted, in which dtype it comes back, and what an error says."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from relugrad import ReluGrad, relu_grad

X = np.array([-2.0, -0.5, 0.0, 0.5, 2.0], np.float32)

parametrize_names = pytest.mark.parametrize("name", ["alpha", "width"])


class Variable:
    """An object that stands for an array, as a Flax variable does."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __jax_array__(self) -> jax.Array:
        """Return what JAX computes with."""
        return jnp.asarray(self.value)


# Types of x


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("method", ["__call__", "surrogate_grad", "surrogate_fun"])
def test_a_float_comes_back_as_it_came(method: str, dtype: str, x64: None) -> None:
    """Whatever the dtypes of alpha and width."""
    function = getattr(ReluGrad(jnp.ones(5, "int8"), jnp.ones(5, "float64")), method)
    assert function(X.astype(dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", ["bool", "int8", "int32", "int64"])
def test_integers_and_booleans_promote_as_in_sin(dtype: str, x64: None) -> None:
    """To whatever that is, also where JAX promotes nothing by itself."""
    x = jnp.ones(3, dtype)
    with jax.numpy_dtype_promotion("strict"):
        assert relu_grad(x).dtype == jnp.sin(x).dtype
        assert dtype == "bool" or ReluGrad(x).surrogate_grad(x).dtype == jnp.sin(x).dtype


@pytest.mark.parametrize("x", [3, -3, True, np.float64(-2)], ids=repr)
def test_numbers_of_python_and_numpy_are_taken(x: Any) -> None:
    """As arrays without axes."""
    spikes = relu_grad(x)
    assert (spikes.ndim, spikes.dtype.name, float(spikes)) == (0, "float32", x >= 0)


@pytest.mark.parametrize("name", ["x", "alpha", "width"])
def test_what_stands_for_an_array_is_taken(name: str) -> None:
    """As x and as a parameter."""
    arguments: dict[str, Any] = {"x": X, name: Variable(abs(X) + 1)}
    np.testing.assert_array_equal(relu_grad(**arguments), arguments["x"] is not X or X >= 0)


@pytest.mark.parametrize(
    "value", [np.ones(2, complex), "0.5", jnp.ones((), jnp.float4_e2m1fn)], ids=str
)
@pytest.mark.parametrize("name", ["x", "alpha", "width"])
def test_what_is_not_real_is_a_type_error_that_names_the_argument(name: str, value: Any) -> None:
    """In our words, or in those of JAX for what it can't trace."""
    arguments: dict[str, Any] = {"x": X, name: value}
    with pytest.raises(TypeError, match=rf"^{name} must be a real number|at path {name}\b"):
        relu_grad(**arguments)


def test_shapes_that_do_not_broadcast_are_a_value_error_that_says_so() -> None:
    """Which only a call can see."""
    with pytest.raises(ValueError, match=r"^x, alpha and width must broadcast\. .*\(5,\)"):
        relu_grad(X, np.ones(2))


# Parameters


@pytest.mark.parametrize("value", [True, jnp.ones(5, bool)], ids=repr)
@parametrize_names
def test_a_boolean_is_no_parameter(name: str, value: Any) -> None:
    """It is not a steepness, whatever Python says of True and 1."""
    with pytest.raises(TypeError, match=f"^{name} must be a real number"):
        ReluGrad(**{name: value})


@pytest.mark.parametrize(
    ("value", "shown"),
    [(np.nan, "nan"), (np.array([1, 2, -3]), "-3"), (jnp.array([1, -3.5, 2]), "-3.5")],
    ids=repr,
)
@parametrize_names
def test_a_bad_parameter_is_a_value_error_that_shows_it(name: str, value: Any, shown: str) -> None:
    """With its name; of an array, the first bad element."""
    with pytest.raises(ValueError, match=f"^{name} must be positive and finite; got {shown}$"):
        ReluGrad(**{name: value})


def test_the_function_checks_under_jit_too() -> None:
    """As long as the value is known there."""
    with pytest.raises(ValueError, match=r"^alpha must be positive and finite; got -0\.25"):
        jax.jit(lambda x: relu_grad(x, -0.25))(X)


def test_an_array_of_numpy_may_change_later() -> None:
    """What its owner writes into it does not reach the ReluGrad."""
    memory = np.zeros(1024, np.uint8)
    start = -memory.ctypes.data % 64  # aligned as JAX 0.6 likes it, which would share and not copy
    mine = memory[start : start + 256].view(np.float32)
    mine[:] = 0.5
    spike = ReluGrad(alpha=mine)
    mine[:] = -1
    np.testing.assert_array_equal(spike.alpha, np.full(64, 0.5))


# Parameters that can't be looked at


@jax.jit
def everything(spike: ReluGrad) -> Any:
    """Inside and outside of the support."""
    x = jnp.array([-9.0, -0.5, 0.0, 0.5, 9.0])
    slope = jax.grad(spike)
    derivatives = jax.vmap(slope)(x), jax.vmap(jax.grad(slope))(x)
    return spike(x), *derivatives, spike.surrogate_grad(x), spike.surrogate_fun(x)


@parametrize_names
def test_a_bad_parameter_that_only_a_trace_knows_is_nan(name: str, forward_mode: bool) -> None:
    """In the spikes, their derivatives, the slope and the integral, everywhere."""
    spike = ReluGrad(forward_mode=forward_mode)
    leaves = {"alpha": spike.alpha, "width": spike.width, name: np.inf}
    bad = jax.tree.unflatten(jax.tree.structure(spike), leaves.values())
    assert np.isnan(everything(bad)).all()


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # NumPy's, on a first call
@pytest.mark.parametrize(("alpha", "width"), [(1e300, 1), (1, 1e300), (1e30, 1e30)])
def test_what_the_dtype_cannot_hold_is_nan(alpha: float, width: float) -> None:
    """A good float64 may be infinite in float32; so may the peak of two good numbers."""
    assert np.isnan(everything(ReluGrad(alpha, width))).all()


def test_a_bad_parameter_is_nan_for_itself_alone(forward_mode: bool) -> None:
    """Its neighbours' gradients don't notice."""
    spike = jax.tree.map(lambda _: jnp.array([1.0, -1.0, 1.0]), ReluGrad(forward_mode=forward_mode))
    gradient = jax.grad(lambda x: spike(x).sum())(jnp.full(3, 0.25))
    np.testing.assert_array_equal(gradient, [0.75, np.nan, 0.75])
