"""The public face: the parameter object, its methods, and the function."""

from __future__ import annotations  # help() shows ArrayLike, and not all of its types

import dataclasses
from collections.abc import Callable
from typing import Any, final

import jax
from jax.tree_util import GetAttrKey
from jax.typing import ArrayLike

from relugrad._arguments import as_array, known_parameter, of_any_arguments
from relugrad._surrogate import integral, spike, spike_forward_mode, triangle

_Function = Callable[..., jax.Array]
_spike: dict[bool, _Function] = {False: jax.jit(spike), True: jax.jit(spike_forward_mode)}
_triangle: _Function = jax.jit(of_any_arguments(triangle))
_integral: _Function = jax.jit(of_any_arguments(integral))


@final
@dataclasses.dataclass(frozen=True)
class ReluGrad:
    r"""A step that JAX differentiates as ``max(0, alpha * (width - abs(x)))``.

    This is the ReLU :term:`surrogate gradient` [1], also known as the
    triangular or piecewise linear surrogate. With it, spiking neural networks
    are trained by gradient descent. A neuron spikes when its membrane potential
    reaches its threshold: call ``spike(potential - threshold)``. For this
    difference, ``x``, the forward pass is the step

    .. math:: g(x) = \begin{cases} 1 & x \ge 0 \\ 0 & x < 0 \end{cases}

    Its derivative is 0 almost everywhere, so gradient descent through it would
    learn nothing. The backward pass uses a triangle instead [2] [3]:

    .. math:: \begin{array}{rl}
              g'(x) &= \operatorname{ReLU}(\alpha\,(w - |x|)) \\
                    &= \max(0, \alpha\,(w - |x|))
              \end{array}

    where :math:`\alpha` is ``alpha`` and :math:`w` is ``width``. The triangle

    - peaks at :math:`\alpha w` at :math:`x = 0`,
    - falls linearly to 0 at :math:`x = \pm w`,
    - is 0 for :math:`|x| > w`: no gradient passes that far from the threshold.

    .. image:: /_static/step-and-triangle.svg
        :alt: Left, the forward pass: a step from 0 to 1 at x = 0. Right, the
            backward pass: a triangle with its peak, alpha times w, at x = 0,
            which is 0 below -w and above w.

    Parameters
    ----------
    alpha
        Steepness of the triangle's sides: its height divided by width. The
        height is a slope of g, so alpha has the unit 1/unit(x)². A positive,
        finite number, or an array of such numbers that broadcasts against x.
        Default 0.3, which for a threshold of 1 is the dampening factor of
        Bellec et al. [3] [4].
    width
        Distance from the threshold at which the triangle reaches 0, half of its
        :term:`support`, in the unit of x: a number or an array, as alpha.
        Default 1.0.
    forward_mode
        Whether :func:`jax.jvp` and what is built on it, such as
        :func:`jax.jacfwd`, must work too. Default False.

    Attributes
    ----------
    alpha, width
        The parameters. Numbers are kept as ``float``, arrays as JAX arrays.
    forward_mode
        As given.

    Raises
    ------
    TypeError
        If x, alpha or width isn't a real number or an array of real numbers, or
        forward_mode isn't a bool.
    ValueError
        If the shapes don't broadcast, or if alpha or width isn't positive and
        finite. While JAX traces, values aren't known: spikes and gradients of a
        parameter that turns out to be invalid are NaN instead.

    See Also
    --------
    relu_grad : The same as a function of x, alpha and width.

    Notes
    -----
    :doc:`special-values` says what is accepted and returned, and
    :doc:`error-messages` what to do about an error.

    **Choosing alpha and width.** Start from the default, a peak of 0.3 and a
    width of 1 for a threshold of 1, and compare other peaks and widths on
    validation data: :doc:`/how-to/choose`. In the tasks of Zenke and Vogels,
    the scale of the surrogate mattered more than its shape [5]. With the
    default, a neuron that rests a distance of 1 below its threshold gets a
    gradient of exactly 0.

    **An object of parameters.** A ReluGrad is frozen: make a changed copy with
    ``dataclasses.replace``. With numbers as parameters it can be hashed and
    compared, so it may be a static argument of :func:`jax.jit`. It is also a
    :term:`pytree` with the leaves alpha and width, so you can sweep them with
    :func:`jax.vmap`, shard them, and keep a ReluGrad in a model.

    **Under jit.** As an argument of a jitted function, its parameters are data:
    one compiled program serves all values. A call outside of jit is compiled
    once for each shape and dtype.

    **Derivatives.** The spikes don't depend on alpha and width, so gradient
    descent leaves both unchanged. The second derivative of one spike is the
    derivative of the triangle. Of a network, the second derivative is in
    general *not* the derivative of the surrogate gradient:
    :doc:`/explanation/custom-vjp` says what it is, and for whom this matters.
    The slope itself has derivatives with respect to x, alpha and width.

    **Accuracy.** In float32 and float64, the slope is at most 1.5 units in the
    last place (gaps between neighboring floating-point numbers) off. float16
    and bfloat16 are computed in float32 and rounded once.

    **Cost.** For the backward pass, a spike keeps x in its own dtype, and
    nothing else as large as x, with ``forward_mode=True`` too:
    :doc:`/how-to/forward-mode` says what that option costs.

    References
    ----------
    .. [1] E. O. Neftci, H. Mostafa and F. Zenke, "Surrogate gradient learning
       in spiking neural networks", IEEE Signal Processing Magazine 36(6),
       51-63, 2019. https://doi.org/10.1109/MSP.2019.2931595. A review of the
       method, which F. Zenke and S. Ganguli called a surrogate gradient in
       "SuperSpike", Neural Computation 30(6), 2018.
       https://doi.org/10.1162/neco_a_01086
    .. [2] S. K. Esser et al., "Convolutional networks for fast,
       energy-efficient neuromorphic computing", PNAS 113(41), 2016: the
       triangle. https://doi.org/10.1073/pnas.1604850113
    .. [3] G. Bellec et al., "Long short-term memory and learning-to-learn in
       networks of spiking neurons", NeurIPS 31, 2018: with a factor,
       ``gamma * max(0, 1 - abs(v))``. https://doi.org/10.48550/arXiv.1803.09574
    .. [4] G. Bellec et al., "A solution to the learning dilemma for recurrent
       networks of spiking neurons", Nature Communications 11, 3625, 2020: the
       same with a threshold. https://doi.org/10.1038/s41467-020-17236-y
    .. [5] On scale, shape, and the gradient through the reset: F. Zenke and
       T. P. Vogels, Neural Computation 33(4), 2021.
       https://doi.org/10.1162/neco_a_01367. Harder tasks need a more careful
       choice of the shape, and the fast sigmoid tended to do best:
       L. Herranz-Celotti and J. Rouat, 2022.
       https://doi.org/10.48550/arXiv.2202.00282

    Examples
    --------
    Five potentials minus their threshold, three of them at the threshold or
    above. The first output holds their spikes, the second the derivative of
    each spike with respect to its own x, which is the triangle:

    >>> import jax
    >>> import jax.numpy as jnp
    >>> from relugrad import ReluGrad
    >>> x = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
    >>> spike = ReluGrad(alpha=0.3, width=1.0)
    >>> print(spike(x))
    [0. 0. 1. 1. 1.]
    >>> print(jax.vmap(jax.grad(spike))(x))
    [0.   0.15 0.3  0.15 0.  ]

    A leaky neuron with a constant input current, over six time steps. When it
    spikes, the threshold of 1 is subtracted from its potential. The output has
    one entry for each time step: the neuron spikes in the fifth.

    >>> import jax
    >>> from relugrad import ReluGrad
    >>> spike = ReluGrad()
    >>> def step(potential, current):
    ...     potential = 0.9 * potential + current
    ...     spikes = spike(potential - 1.0)
    ...     return potential - spikes, spikes
    >>> _, spikes = jax.lax.scan(step, 0.0, jax.numpy.full(6, 0.25))
    >>> print(spikes)
    [0. 0. 0. 0. 1. 0.]

    The next code draws triangles of several parameters, from the gradients
    themselves. In the upper panel, alpha sets the steepness and width the
    reach. In the lower panel, a wider triangle is higher too, because its
    sides are equally steep.

    .. plot::
        :alt: Triangles over x from -3 to 3. Above, alpha 0.3, 0.5 and 1.0 with
            width 1.0 and 2.0: the peak is alpha times width. Below, alpha 0.5:
            the wider, the higher, equally steep.

        import jax
        import jax.numpy as jnp
        import matplotlib.pyplot as plt
        from relugrad import ReluGrad

        x = jnp.linspace(-3, 3, 1000)
        _, (upper, lower) = plt.subplots(2, 1, figsize=(5, 5), layout="tight")
        for alpha in [0.3, 0.5, 1.0]:
            for width in [1.0, 2.0]:
                surrogate = ReluGrad(alpha, width)
                label = rf"$\alpha = {alpha}$, $w = {width}$"
                upper.plot(x, jax.vmap(jax.grad(surrogate))(x), label=label)
        for width in [0.5, 1.0, 1.5, 2.0]:
            surrogate = ReluGrad(0.5, width)
            label = rf"$\alpha = 0.5$, $w = {width}$"
            lower.plot(x, jax.vmap(jax.grad(surrogate))(x), label=label)
        for panel in [upper, lower]:
            panel.set(xlabel="$x$", ylabel="$g'(x)$", ylim=(-0.1, 3.3))
            panel.legend(loc="upper center", ncols=2, fontsize=9)
    """

    alpha: ArrayLike = 0.3
    width: ArrayLike = 1.0
    forward_mode: bool = dataclasses.field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if type(self.forward_mode) is not bool:
            raise TypeError(f"forward_mode must be True or False; got {self.forward_mode!r}")
        alpha, width = known_parameter("alpha", self.alpha), known_parameter("width", self.width)
        vars(self).update(alpha=alpha, width=width)

    def __call__(self, x: ArrayLike) -> jax.Array:
        """Spike where x >= 0.

        Parameters
        ----------
        x
            Membrane potential minus threshold: a real number or array, of a
            shape that broadcasts against alpha and width.

        Returns
        -------
        spikes : jax.Array
            1 or 0 in the dtype of x; NaN where x is NaN. Their derivative with
            respect to x is :meth:`surrogate_grad`; with respect to alpha and
            width it is 0.

        Examples
        --------
        >>> from relugrad import ReluGrad
        >>> spike = ReluGrad()
        >>> potential, threshold = 1.25, 1.0
        >>> print(spike(potential - threshold))
        1.0
        """
        return _spike[self.forward_mode](as_array(x), self.alpha, self.width)

    def surrogate_grad(self, x: ArrayLike) -> jax.Array:
        """The triangle, ``max(0, alpha * (width - abs(x)))``.

        It is the slope that the backward pass multiplies by. Use it to draw the
        triangle, or in a learning rule of your own.

        Parameters
        ----------
        x
            Membrane potential minus threshold: a real number or array, of a
            shape that broadcasts against alpha and width.

        Returns
        -------
        slope : jax.Array
            In the dtype of x; NaN where x is NaN. The error is at most 1.5
            units in the last place in float32 and float64, unless the slope or
            ``width - abs(x)`` is below the smallest normal number, which XLA
            may treat as 0.

        Examples
        --------
        >>> import jax.numpy as jnp
        >>> from relugrad import ReluGrad
        >>> x = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
        >>> print(ReluGrad(alpha=0.3, width=1.0).surrogate_grad(x))
        [0.   0.15 0.3  0.15 0.  ]
        """
        return _triangle(as_array(x), self.alpha, self.width)

    def surrogate_fun(self, x: ArrayLike) -> jax.Array:
        """The integral of the triangle from ``-width`` to x: a smooth step.

        Put it in place of the spike, and the network is smooth, with a true
        gradient that uses the same triangle. If nothing in the network is
        detached by ``stop_gradient``, you can check this gradient against
        finite differences: :doc:`/how-to/diagnose`.

        Parameters
        ----------
        x
            Membrane potential minus threshold: a real number or array, of a
            shape that broadcasts against alpha and width.

        Returns
        -------
        integral : jax.Array
            In the dtype of x: 0 for x <= ``-width``, alpha * width² / 2 at 0,
            and alpha * width² for x >= width. Its derivative is
            :meth:`surrogate_grad`.

        Examples
        --------
        >>> import jax.numpy as jnp
        >>> from relugrad import ReluGrad
        >>> x = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
        >>> print(ReluGrad(alpha=1.0, width=1.0).surrogate_fun(x))
        [0.    0.125 0.5   0.875 1.   ]
        """
        return _integral(as_array(x), self.alpha, self.width)

    def __repr__(self) -> str:
        forward_mode = ", forward_mode=True" if self.forward_mode else ""
        return f"ReluGrad(alpha={self.alpha!r}, width={self.width!r}{forward_mode})"


def relu_grad(
    x: ArrayLike, alpha: ArrayLike = 0.3, width: ArrayLike = 1.0, *, forward_mode: bool = False
) -> jax.Array:
    """Spike where x >= 0; differentiate as ``max(0, alpha * (width - abs(x)))``.

    The same as ``ReluGrad(alpha, width)(x)``: see :class:`ReluGrad` for the
    equations and a figure. The parameters are checked at each call.

    Parameters
    ----------
    x
        :term:`Membrane potential <membrane potential>` minus threshold, of any
        shape. float16, bfloat16, float32 and float64 keep their dtype; integers
        and booleans are promoted as in :func:`jax.numpy.sin`.
    alpha
        Steepness of the triangle's sides, in 1/unit(x)²: a positive, finite
        number, or an array of such numbers that broadcasts against x. Default
        0.3.
    width
        Distance from the threshold at which the triangle reaches 0, in the unit
        of x: a number or an array, as alpha. Default 1.0.
    forward_mode
        Whether forward mode must work too. Default False.

    Returns
    -------
    spikes : jax.Array
        1 or 0 in the dtype of x, in the shape to which x, alpha and width
        broadcast. NaN where x is NaN or a traced parameter is invalid.

    Raises
    ------
    TypeError, ValueError
        As :class:`ReluGrad` does.

    See Also
    --------
    ReluGrad : The parameters as an object, checked once.

    Examples
    --------
    Three neurons (the columns), each with its own width, in two time steps (the
    rows). All potentials are 0.5 above the threshold; the wider its triangle,
    the larger the gradient of a neuron:

    >>> import jax
    >>> import jax.numpy as jnp
    >>> from relugrad import relu_grad
    >>> x = jnp.full((2, 3), 0.5)
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
    # Past the constructor, which would refuse what JAX puts into the leaves:
    # tracers, gradients of 0, None.
    instance = object.__new__(ReluGrad)
    vars(instance).update(alpha=leaves[0], width=leaves[1], forward_mode=forward_mode)
    return instance


jax.tree_util.register_pytree_with_keys(ReluGrad, _flatten_with_keys, _unflatten)
