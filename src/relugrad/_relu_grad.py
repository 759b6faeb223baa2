"""The public face: the parameter object, its methods, and the function."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, final

import jax
from jax import Array
from jax.tree_util import GetAttrKey
from jax.typing import ArrayLike

from relugrad._arguments import as_array, known_parameter, promote
from relugrad._surrogate import integral, spike, spike_forward_mode, triangle


def _compiled(function: Callable[..., Array]) -> Callable[..., Array]:
    """``function`` of whatever is accepted, in the dtype of x; compiled once for all parameters."""

    @functools.wraps(function)
    def promoted(x: Any, alpha: Any, width: Any) -> Array:
        dtype, arguments = promote(x, alpha, width)
        return function(*arguments).astype(dtype)

    # Without the checkpoint, a backward pass keeps the promoted x beside the caller's:
    # 3 arrays instead of 2 for x * spike(x), and a training step takes 1.6 times as long.
    return jax.jit(jax.checkpoint(promoted, prevent_cse=False))


_spike, _spike_forward_mode = _compiled(spike), _compiled(spike_forward_mode)
_triangle, _integral = _compiled(triangle), _compiled(integral)


@final
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
        if not isinstance(self.forward_mode, bool):
            raise TypeError(f"forward_mode must be True or False; got {self.forward_mode!r}")
        alpha, width = known_parameter("alpha", self.alpha), known_parameter("width", self.width)
        vars(self).update(alpha=alpha, width=width)

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
        function = _spike_forward_mode if self.forward_mode else _spike
        return function(as_array(x), self.alpha, self.width)

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
        return _triangle(as_array(x), self.alpha, self.width)

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
        return _integral(as_array(x), self.alpha, self.width)

    def __repr__(self) -> str:
        forward_mode = ", forward_mode=True" if self.forward_mode else ""
        return f"ReluGrad(alpha={self.alpha!r}, width={self.width!r}{forward_mode})"


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
    return ReluGrad(alpha, width, forward_mode=forward_mode)(x)


def _flatten_with_keys(instance: ReluGrad) -> tuple[tuple[Any, Any], bool]:
    leaves = (GetAttrKey("alpha"), instance.alpha), (GetAttrKey("width"), instance.width)
    return leaves, instance.forward_mode


def _unflatten(forward_mode: bool, leaves: Any) -> ReluGrad:
    # Past the constructor: JAX puts tracers, None and gradients into the leaves, and what is to be
    # checked is what a person passes.
    instance = object.__new__(ReluGrad)
    vars(instance).update(alpha=leaves[0], width=leaves[1], forward_mode=forward_mode)
    return instance


jax.tree_util.register_pytree_with_keys(ReluGrad, _flatten_with_keys, _unflatten)
