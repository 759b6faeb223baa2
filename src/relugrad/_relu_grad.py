"""The public face: checks and promotes the arguments; the function and the parameter object."""

import builtins
import dataclasses
import functools
import math
import reprlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer
from jax.typing import ArrayLike

from relugrad._autodiff import integral, spike, spike_forward_mode
from relugrad._functions import triangle

_Function = Callable[[Any, Any, Any], Array]


def relu_grad(
    x: ArrayLike, alpha: ArrayLike = 0.3, width: ArrayLike = 1.0, *, forward_mode: bool = False
) -> Array:
    r"""Spike where the membrane potential has reached the threshold; differentiate as a triangle.

    The function behind :class:`ReluGrad`, with the parameters as arguments:

    .. math::

        g(x) = 1 \text{ for } x \ge 0, \quad g(x) = 0 \text{ for } x < 0

    .. math::

        g'(x) = \operatorname{ReLU}(\alpha\,(w - |x|))

    where :math:`\alpha` is ``alpha`` and :math:`w` is ``width``.

    Parameters
    ----------
    x
        Membrane potential minus threshold, of any shape. float16, bfloat16, float32 and float64
        keep their dtype; integers and booleans are promoted as by :func:`jax.numpy.sin`.
    alpha
        Steepness of the triangle, positive and finite, in 1/unit(x)². Default 0.3. A number, or
        an array that broadcasts against x. Its dtype does not change that of the result.
    width
        Half the width of the support, positive and finite, in the unit of x. Default 1.0.
        A number or an array, as for alpha.
    forward_mode
        Differentiate with :class:`jax.custom_jvp`, so that forward mode works as well.
        Default False.

    Returns
    -------
    spikes
        0 and 1 in the dtype of x, of the shape to which x, alpha and width broadcast. NaN where
        x is NaN, and where alpha or width is a bad value that was not known before tracing.

    Raises
    ------
    TypeError
        If x, alpha or width is not a real number or an array of real numbers, or if
        forward_mode is not a bool. Alpha and width may not be bools.
    ValueError
        If alpha or width is known and not positive and finite, or does not broadcast.

    See Also
    --------
    ReluGrad : The same as an object that holds alpha and width.
    jax.custom_vjp : How the derivative is attached.

    References
    ----------
    E. O. Neftci, H. Mostafa and F. Zenke, "Surrogate gradient learning in spiking neural
    networks", IEEE Signal Processing Magazine 36(6), 51-63, 2019.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> from relugrad import relu_grad
    >>> x = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
    >>> print(relu_grad(x, alpha=0.3, width=1.0))
    [0. 0. 1. 1. 1.]
    >>> print(jax.grad(lambda x: relu_grad(x).sum())(x))
    [0.   0.15 0.3  0.15 0.  ]

    Each neuron may have a width of its own:

    >>> import jax
    >>> import jax.numpy as jnp
    >>> from relugrad import relu_grad
    >>> x = jnp.full((2, 3), 0.5)  # two time steps, three neurons
    >>> width = jnp.array([0.5, 1.0, 2.0])
    >>> print(jax.grad(lambda x: relu_grad(x, 1.0, width).sum())(x))
    [[0.  0.5 1.5]
     [0.  0.5 1.5]]
    """
    return _call(_SPIKE[_flag(forward_mode)], x, alpha, width)


@dataclasses.dataclass(frozen=True)
class ReluGrad:
    r"""ReLU surrogate gradient: a step in the forward pass, a triangle in the backward pass.

    A spiking neuron fires where its membrane potential has reached the threshold. With ``x``
    the membrane potential minus the threshold, the forward pass is the Heaviside step

    .. math::

        g(x) = 1 \text{ for } x \ge 0, \quad g(x) = 0 \text{ for } x < 0

    The step has derivative 0 almost everywhere, and a network of steps learns nothing from it.
    The backward pass puts a triangle in the place of that derivative:

    .. math::

        g'(x) = \operatorname{ReLU}(\alpha\,(w - |x|))

    that is,

    .. math::

        g'(x) = \max(0, \alpha\,(w - |x|))

    where :math:`\alpha` is ``alpha`` and :math:`w` is ``width``. The triangle

    - peaks at :math:`\alpha w` at :math:`x = 0`,
    - falls linearly to 0 at :math:`x = \pm w`,
    - is 0 for :math:`|x| > w`: a neuron so far from its threshold learns nothing.

    .. plot::
        :include-source:
        :alt: Two panels of triangular surrogate gradients, g'(x) against x from -3 to 3. Left,
            six triangles: alpha 0.3, 0.5 and 1.0 raise the peak, and width 2.0 is twice as wide
            and twice as high as width 1.0. Right, alpha = 0.5 and four widths from 0.5 to 2.0:
            all sides have the same steepness, and the wider triangle is the higher one.

        >>> import jax
        >>> import jax.numpy as jnp
        >>> import matplotlib.pyplot as plt
        >>> import relugrad as surrogate
        >>> x = jnp.linspace(-3, 3, 1000)
        >>> def draw(panel, alpha, width, line):
        ...     spike = surrogate.ReluGrad(alpha=alpha, width=width)
        ...     gradients = jax.vmap(jax.grad(spike))(x)
        ...     label = rf"$\alpha = {alpha}$, $w = {width}$"
        ...     _ = panel.plot(x, gradients, line, label=label)
        >>> figure, (left, right) = plt.subplots(
        ...     1, 2, figsize=(7.4, 3.2), layout="constrained"
        ... )
        >>> for width, dash in [(1.0, "-"), (2.0, "--")]:
        ...     for alpha, color in [(0.3, "C0"), (0.5, "C1"), (1.0, "C2")]:
        ...         draw(left, alpha, width, color + dash)
        >>> for width in [0.5, 1.0, 1.5, 2.0]:
        ...     draw(right, 0.5, width, "-")
        >>> for panel in [left, right]:
        ...     _ = panel.set(xlabel="$x$", ylabel="$g'(x)$")
        ...     _ = panel.legend(
        ...         loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2
        ...     )

    The parameters are the leaves of a pytree. One compiled function serves every alpha and
    width, and :func:`jax.vmap` over a ``ReluGrad`` of arrays sweeps a grid in one program.

    Parameters
    ----------
    alpha
        Steepness of the triangle, positive and finite, in 1/unit(x)²: the gradient changes by
        alpha for each unit of x. Default 0.3. A number, or an array that broadcasts against x.
    width
        Half the width of the support, positive and finite, in the unit of x. Default 1.0.
        A number, or an array that broadcasts against x.
    forward_mode
        Differentiate with :class:`jax.custom_jvp`, so that :func:`jax.jvp`,
        :func:`jax.jacfwd`, :func:`jax.linearize` and :func:`jax.hessian` work as well.
        Default False.

    Raises
    ------
    TypeError
        If alpha or width is not a real number or an array of real numbers (a bool is not), or
        if forward_mode is not a bool.
    ValueError
        If alpha or width is known and not positive and finite.

    See Also
    --------
    relu_grad : The same as a function of x, alpha and width.
    jax.custom_vjp : How the derivative is attached.

    Notes
    -----
    Instances are immutable. They compare equal where their parameters do, and are hashable,
    and usable as a static argument, while their parameters are numbers.

    Two namesakes: ``braintools.surrogate.ReluGrad`` is the same triangle. TensorFlow's raw op
    ``ReluGrad`` is a different thing, the backward pass of ReLU.

    References
    ----------
    E. O. Neftci, H. Mostafa and F. Zenke, "Surrogate gradient learning in spiking neural
    networks", IEEE Signal Processing Magazine 36(6), 51-63, 2019.

    The same triangle, as gamma * max(0, 1 - \|v\|):

    - S. K. Esser et al., "Convolutional networks for fast, energy-efficient neuromorphic
      computing", PNAS 113(41), 2016.
    - G. Bellec et al., "Long short-term memory and learning-to-learn in networks of spiking
      neurons", NeurIPS 2018; and "A solution to the learning dilemma for recurrent networks of
      spiking neurons", Nature Communications 11, 3625, 2020.

    How little the shape matters, and how much the scale does: F. Zenke and T. P. Vogels, "The
    remarkable robustness of surrogate gradient learning for instilling complex function in
    spiking neural networks", Neural Computation 33(4), 2021.

    Why it can be read as the slope of an expected spike under noise: J. Gygax and F. Zenke,
    "Elucidating the theoretical underpinnings of surrogate gradient learning in spiking neural
    networks", 2024.

    Examples
    --------
    Spikes, and their gradients:

    >>> import jax
    >>> import jax.numpy as jnp
    >>> import relugrad as surrogate
    >>> x = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
    >>> spike = surrogate.ReluGrad(alpha=0.3, width=1.0)
    >>> print(spike(x))
    [0. 0. 1. 1. 1.]
    >>> print(jax.vmap(jax.grad(spike))(x))
    [0.   0.15 0.3  0.15 0.  ]

    Three surrogates, swept in one program:

    >>> import jax
    >>> import jax.numpy as jnp
    >>> from relugrad import ReluGrad
    >>> x = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
    >>> def gradients(spike):
    ...     return jax.grad(lambda x: spike(x).sum())(x)
    >>> alpha = jnp.array([0.3, 0.5, 1.0])
    >>> print(jax.vmap(gradients)(ReluGrad(alpha=alpha, width=jnp.ones(3))))
    [[0.   0.15 0.3  0.15 0.  ]
     [0.   0.25 0.5  0.25 0.  ]
     [0.   0.5  1.   0.5  0.  ]]
    """

    alpha: ArrayLike = 0.3
    width: ArrayLike = 1.0
    forward_mode: bool = dataclasses.field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("alpha", "width"):
            given = getattr(self, name)
            is_array = isinstance(given, np.ndarray) and given.ndim > 0
            parameter = _parameter(name, given, given if is_array else None)
            if isinstance(parameter, np.ndarray):
                parameter = jnp.array(parameter)  # a copy: its owner could still change it
            object.__setattr__(self, name, parameter)
        object.__setattr__(self, "forward_mode", _flag(self.forward_mode))

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        _register(cls)

    def __call__(self, x: ArrayLike) -> Array:
        """Spike where x >= 0; the same as :func:`relu_grad` with these parameters.

        Parameters
        ----------
        x
            Membrane potential minus threshold, of any shape and real dtype.

        Returns
        -------
        spikes
            0 and 1 in the dtype of x; their derivative is :meth:`surrogate_grad`.

        Raises
        ------
        TypeError
            If x is not a real number or an array of real numbers.
        ValueError
            If the parameters do not broadcast against x.

        Examples
        --------
        >>> import jax.numpy as jnp
        >>> from relugrad import ReluGrad
        >>> print(ReluGrad()(jnp.array([-0.1, 0.0, 0.1])))
        [0. 1. 1.]
        """
        return _call(_SPIKE[self.forward_mode], x, self.alpha, self.width)

    def surrogate_grad(self, x: ArrayLike) -> Array:
        r"""The triangle: the slope that the backward pass uses.

        .. math:: g'(x) = \operatorname{ReLU}(\alpha\,(w - |x|))

        In float32 and float64 it is at most 1.5 ulp from the exact value for the parameters as
        rounded to that dtype, positive for \|x\| < width and exactly 0 from \|x\| = width on.
        float16 and bfloat16 are computed in float32 and rounded once. XLA on the CPU treats
        numbers below the smallest normal one as 0: so may a slope be that is so small.

        Parameters
        ----------
        x
            Membrane potential minus threshold, of any shape and real dtype.

        Returns
        -------
        slope
            In the dtype of x. NaN where x is NaN, 0 where it is infinite.

        Raises
        ------
        TypeError
            If x is not a real number or an array of real numbers.
        ValueError
            If the parameters do not broadcast against x.

        Examples
        --------
        >>> import jax.numpy as jnp
        >>> from relugrad import ReluGrad
        >>> x = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
        >>> print(ReluGrad(alpha=0.3, width=1.0).surrogate_grad(x))
        [0.   0.15 0.3  0.15 0.  ]
        """
        return _call(_slope, x, self.alpha, self.width)

    def surrogate_fun(self, x: ArrayLike) -> Array:
        r"""The integral of the triangle from -width to x: a smooth step.

        It is 0 on the left, :math:`\alpha w^2 / 2` at 0 and :math:`\alpha w^2` on the right,
        and its derivative is :meth:`surrogate_grad`.

        Parameters
        ----------
        x
            Membrane potential minus threshold, of any shape and real dtype.

        Returns
        -------
        integral
            In the dtype of x. NaN where x is NaN.

        Raises
        ------
        TypeError
            If x is not a real number or an array of real numbers.
        ValueError
            If the parameters do not broadcast against x.

        Examples
        --------
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from relugrad import ReluGrad
        >>> x = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
        >>> surrogate = ReluGrad(alpha=1.0, width=1.0)
        >>> print(surrogate.surrogate_fun(x))
        [0.    0.125 0.5   0.875 1.   ]
        >>> print(jax.vmap(jax.grad(surrogate.surrogate_fun))(x))
        [0.  0.5 1.  0.5 0. ]
        """
        return _call(_integral, x, self.alpha, self.width)

    def __repr__(self) -> str:
        forward_mode = ", forward_mode=True" if self.forward_mode else ""
        return f"{type(self).__name__}(alpha={self.alpha!r}, width={self.width!r}{forward_mode})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        mine: tuple[Any, Any] = jax.tree.flatten(self)
        theirs: tuple[Any, Any] = jax.tree.flatten(other)
        return mine[1] == theirs[1] and all(
            a is b or np.array_equal(a, b) for a, b in zip(mine[0], theirs[0], strict=True)
        )

    def __hash__(self) -> int:
        leaves, structure = jax.tree.flatten(self)
        return hash((structure, *leaves))


def _register(cls: type[ReluGrad]) -> None:
    """Make alpha and width the leaves of a pytree, and every other attribute its structure."""

    def flatten(instance: ReluGrad) -> tuple[tuple[Any, Any], tuple[tuple[str, Any], ...]]:
        # A subclass may keep its fields in slots, or have attributes that are no fields.
        names = dict.fromkeys(field.name for field in dataclasses.fields(instance))
        others = [name for name in names | vars(instance) if name not in ("alpha", "width")]
        return (instance.alpha, instance.width), tuple((n, getattr(instance, n)) for n in others)

    def flatten_with_keys(instance: ReluGrad) -> tuple[Any, Any]:
        (alpha, width), structure = flatten(instance)
        key = jax.tree_util.GetAttrKey
        return ((key("alpha"), alpha), (key("width"), width)), structure

    def unflatten(structure: tuple[tuple[str, Any], ...], leaves: Any) -> ReluGrad:
        # Past the constructor: a tree utility may put anything into the leaves, None and
        # tracers and ShapeDtypeStructs, and only what a person passes is to be validated.
        instance = object.__new__(cls)
        for name, value in (*zip(("alpha", "width"), leaves, strict=True), *structure):
            object.__setattr__(instance, name, value)
        return instance

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)


_register(ReluGrad)


def _compiled(function: _Function) -> _Function:
    """``function`` of promoted arrays, x broadcast: the one thing that a call dispatches."""

    # jax.jit: a call outside of the caller's own jit is then one dispatch and not ten.
    # jax.checkpoint: the backward pass keeps x and the parameters, whatever else JAX would add
    # (the spikes in JAX 0.4, the slope under custom_jvp). Nothing is computed twice by it.
    @jax.jit
    @functools.partial(jax.checkpoint, prevent_cse=False)
    @functools.wraps(function)
    def promoted(x: Array, alpha: Array, width: Array) -> Array:
        shapes = jnp.shape(x), jnp.shape(alpha), jnp.shape(width)
        try:
            shape = jnp.broadcast_shapes(*shapes)
        except ValueError:
            raise ValueError(
                "alpha and width must broadcast against x; got shapes "
                "x: {}, alpha: {}, width: {}".format(*shapes)
            ) from None
        dtype, wide = _dtypes(x)
        x = jnp.broadcast_to(x, shape).astype(dtype)
        alpha, width = (
            jax.lax.broadcast_to_rank(parameter.astype(wide), len(shape))
            for parameter in (alpha, width)
        )
        for parameter in (alpha, width):
            # Adds 0, so that x is divided among devices where the parameters are, as its cotangent is.
            # It has to be computed from them: zeros_like need not be divided.
            x += jnp.isnan(parameter).astype(dtype)
        return function(x, alpha, width).astype(dtype)

    return promoted


_SPIKE = {False: _compiled(spike), True: _compiled(spike_forward_mode)}
_slope = _compiled(triangle)
_integral = _compiled(integral)


def _call(function: _Function, x: ArrayLike, alpha: ArrayLike, width: ArrayLike) -> Array:
    is_free = _is_free(x)
    if not is_free:
        x = _potential(x)
    alpha, width = _parameter("alpha", alpha, x), _parameter("width", width, x)
    if is_free and isinstance(alpha, float) and isinstance(width, float):
        alpha, width = _on_device(alpha, width)
    return function(x, alpha, width)


def _is_free(x: Any) -> bool:
    """Whether x is an array that is at hand, computed in float32, and need not stay on its device."""
    return (
        isinstance(x, jax.Array)
        and not isinstance(x, Tracer)
        and x.dtype in _IN_FLOAT32
        and not x.committed
    )


@functools.lru_cache
def _on_device(alpha: float, width: float) -> tuple[Array, Array]:
    # Outside of jit, to transfer two numbers takes about as long as all the rest of a call.
    with jax.ensure_compile_time_eval():  # x may be at hand while something else is traced
        return jax.device_put(np.float32(alpha)), jax.device_put(np.float32(width))


def _potential(x: Any) -> Any:
    """``x``, if it is real; what is not JAX's yet is given the dtype that JAX would give it."""
    x = _real("x", x)
    if isinstance(x, float | np.ndarray | np.generic):
        # What float32 can't hold becomes infinite, and its side of the threshold stays known.
        # JAX would warn of that, and JAX 0.4.36 crashes where a warning is an error.
        with np.errstate(over="ignore"):
            return np.asarray(x, jax.dtypes.canonicalize_dtype(np.result_type(x)))
    return x


def _dtypes(x: ArrayLike) -> tuple[Any, Any]:
    """The dtype of the spikes and gradients at x, and the one in which they are computed."""
    dtype = jax.eval_shape(jnp.sin, x).dtype
    return dtype, dtype if dtype.itemsize >= 4 else jnp.float32


_Numbers = np.ndarray[Any, np.dtype[np.float64]]
_IN_FLOAT32 = frozenset(map(np.dtype, (jnp.float16, jnp.bfloat16, jnp.float32)))
_FLOATS = _IN_FLOAT32 | {np.dtype(jnp.float64)}
_SMALLEST, _LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


def _parameter(name: str, value: Any, x: ArrayLike | None = None) -> Any:
    """``value``, if it is positive and finite, also in the dtype of the slope at x if there is an x."""
    if type(value) is float and _SMALLEST <= value <= _LARGEST:  # nearly always, and quickly so
        return value
    given, value = value, _real(name, value)
    if isinstance(given, bool) or getattr(value, "dtype", None) == bool:
        raise _type_error(name, given)
    if not _is_known(value):
        return value  # a bad one will show as NaN
    numbers = np.asarray(value, np.float64)
    suspects = _outside(_SMALLEST, _LARGEST, numbers)
    if suspects.size:
        smallest, largest, where = _limits(x)
        bad = _outside(smallest, largest, suspects)
        if bad.size:
            whole = f" in {_shown(value)}" if numbers.ndim else ""
            raise ValueError(f"{name} must be positive and finite{where}; got {bad[0]}{whole}")
    if isinstance(value, np.generic | np.ndarray) and numbers.ndim == 0:
        return numbers.item()
    return value


def _is_known(value: Any) -> bool:
    """Whether this process can look at the values: not of a tracer, nor of other processes."""
    if isinstance(value, Tracer):
        return False
    return (
        not isinstance(value, jax.Array) or value.is_fully_addressable or value.is_fully_replicated
    )


def _outside(smallest: float, largest: float, numbers: _Numbers) -> _Numbers:
    return numbers[~((numbers >= smallest) & (numbers <= largest))]  # NaN too


def _limits(x: ArrayLike | None) -> tuple[float, float, str]:
    """The smallest and the largest good parameter, and what an error says of them."""
    if x is None:
        return math.ulp(0.0), float(np.finfo(np.float64).max), ""
    dtype = np.finfo(_dtypes(x)[1])
    where = f" (in {dtype.dtype}, between {dtype.tiny:.3g} and {dtype.max:.3g})"
    return float(dtype.tiny), float(dtype.max), where


def _real(name: str, value: Any) -> Any:
    """``value``, if it is a real number or an array of real numbers; Python's numbers as float."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype in (np.int64, np.uint64):
        value = value.astype(np.float64)  # JAX, when it is not 64-bit, would cut off the upper half
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        if _is_real(value.dtype) and not isinstance(value, np.ma.MaskedArray):
            return value
    elif isinstance(value, float | int):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    elif callable(convert := getattr(type(value), "__jax_array__", None)):
        return _real(name, convert(value))
    raise _type_error(name, value)


@functools.cache
def _is_real(dtype: Any) -> bool:
    try:
        return jax.eval_shape(jnp.sin, np.zeros((), dtype)).dtype in _FLOATS
    except TypeError:
        return False


def _flag(forward_mode: Any) -> bool:
    if isinstance(forward_mode, bool | np.bool_):
        return bool(forward_mode)
    raise TypeError(f"forward_mode must be True or False; got {_shown(forward_mode)}")


def _type_error(name: str, value: Any) -> TypeError:
    return TypeError(
        f"{name} must be a real number or a NumPy or JAX array of real numbers; "
        f"got {_shown(value)} of type {type(value).__name__}"
    )


class _Shortened(reprlib.Repr):
    def repr1(self, x: Any, level: int) -> str:
        # reprlib goes by the name of the class, and takes any for that of Python.
        is_of_python = getattr(builtins, type(x).__name__, None) is type(x)
        return super().repr1(x, level) if is_of_python else self.repr_instance(x, level)

    def repr_int(self, x: int, level: int) -> str:
        # Python itself refuses to write an integer of more than some thousand digits.
        return repr(x) if x.bit_length() < 128 else f"<int of {x.bit_length()} bits>"


_shortened = _Shortened()
_shortened.maxother = _shortened.maxstring = 100
_shown = _shortened.repr
