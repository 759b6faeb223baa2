"""The public face: the parameter object, its methods, and the function."""

import dataclasses
from typing import Any, final

import jax
from jax.tree_util import GetAttrKey
from jax.typing import ArrayLike

from relugrad._arguments import as_array, known_parameter, of_any_arguments
from relugrad._surrogate import integral, spike, spike_forward_mode, triangle

_spike = {False: jax.jit(spike), True: jax.jit(spike_forward_mode)}
_triangle, _integral = (jax.jit(of_any_arguments(f)) for f in (triangle, integral))


@final
@dataclasses.dataclass(frozen=True)
class ReluGrad:
    r"""ReLU surrogate gradient: a step in the forward pass, a triangle in the backward pass.

    A neuron fires when its membrane potential reaches its threshold: write
    ``spike(potential - threshold)``. For that difference, ``x``, the forward pass is the step

    .. math:: g(x) = \begin{cases} 1 & x \ge 0 \\ 0 & x < 0 \end{cases}

    Its derivative is 0 almost everywhere, so gradient descent through it would learn nothing. The
    backward pass uses a triangle instead, a *surrogate gradient* [1]:

    .. math:: g'(x) = \operatorname{ReLU}(\alpha\,(w - |x|)) = \max(0, \alpha\,(w - |x|))

    where :math:`\alpha` is ``alpha`` and :math:`w` is ``width``. The triangle

    - peaks at :math:`\alpha w` at :math:`x = 0`,
    - falls linearly to 0 at :math:`x = \pm w`,
    - is 0 for :math:`|x| > w`: no gradient passes that far from the threshold.

    .. plot::
        :alt: Triangles over x from -3 to 3. Left, alpha 0.3, 0.5 and 1.0 with width 1.0 and 2.0:
            the peak is alpha times width. Right, alpha 0.5: the wider, the higher, equally steep.

        import jax
        import jax.numpy as jnp
        import matplotlib.pyplot as plt
        from relugrad import ReluGrad
        x = jnp.linspace(-3, 3, 1000)
        _, (left, right) = plt.subplots(1, 2, figsize=(8, 4), layout="tight")
        for alpha in [0.3, 0.5, 1.0]:
            for width in [1.0, 2.0]:
                surrogate = ReluGrad(alpha, width)
                label = rf"$\alpha = {alpha}$, $w = {width}$"
                left.plot(x, jax.vmap(jax.grad(surrogate))(x), label=label)
        for width in [0.5, 1.0, 1.5, 2.0]:
            surrogate = ReluGrad(0.5, width)
            label = rf"$\alpha = 0.5$, $w = {width}$"
            right.plot(x, jax.vmap(jax.grad(surrogate))(x), label=label)
        for panel in [left, right]:
            panel.set(xlabel="$x$", ylabel="$g'(x)$", ylim=(-0.1, 3.3))
            panel.legend(loc="upper center", ncols=2)

    Parameters
    ----------
    alpha
        Steepness of the triangle, in 1/unit(x)²: a positive, finite number, or an array that
        broadcasts against x. Default 0.3, the dampening factor of Bellec et al. (2018).
    width
        Half the width of the support, in the unit of x: a number or array, as alpha. Default 1.0.
    forward_mode
        Whether :func:`jax.jvp` and everything built on it must work too. Default False.

    Raises
    ------
    TypeError
        If x, alpha or width isn't a real number or real array, or forward_mode isn't a bool.
    ValueError
        If the shapes don't broadcast, or alpha or width isn't positive and finite (traced: NaN).

    See Also
    --------
    relu_grad : The same, as a function of x, alpha and width.

    References
    ----------
    .. [1] E. O. Neftci, H. Mostafa and F. Zenke, "Surrogate gradient learning in spiking neural
       networks", IEEE Signal Processing Magazine 36(6), 51-63, 2019. The same triangle, as
       gamma * max(0, 1 - \|v\|): Esser et al. (2016), Bellec et al. (2018, 2020).

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> from relugrad import ReluGrad
    >>> x = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
    >>> spike = ReluGrad(alpha=0.3, width=1.0)
    >>> print(spike(x))
    [0. 0. 1. 1. 1.]
    >>> print(jax.vmap(jax.grad(spike))(x))
    [0.   0.15 0.3  0.15 0.  ]
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
        """Spike when x >= 0.

        Returns
        -------
        spikes
            1 or 0 in the dtype of x; NaN where x is NaN. Their derivative with respect to x is
            :meth:`surrogate_grad`; with respect to alpha and width it is 0.

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
        """The triangle: the slope that the backward pass uses.

        Returns
        -------
        slope
            In the dtype of x; NaN where x is NaN. The error is at most 1.5 ulp in float32 and
            float64, unless the slope or ``width - abs(x)`` is below the smallest normal number,
            which XLA may treat as 0. float16 and bfloat16 are computed in float32 and rounded once.

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

        Returns
        -------
        integral
            In the dtype of x: 0 for x <= ``-width``, alpha * width² / 2 at 0, and alpha * width²
            for x >= width. Its derivative is :meth:`surrogate_grad`.

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
    """Spike when the membrane potential reaches the threshold; differentiate as a triangle.

    The same as :class:`ReluGrad`, which shows the formula and a figure, but with the parameters as
    arguments. They are checked at each call.

    Parameters
    ----------
    x
        Membrane potential minus threshold, of any shape. float16, bfloat16, float32 and float64
        keep their dtype; integers and booleans are promoted as in :func:`jax.numpy.sin`.
    alpha
        Steepness of the triangle, in 1/unit(x)². Default 0.3.
    width
        Half the width of the support, in the unit of x. Default 1.0.
    forward_mode
        Whether forward mode must work too. Default False.

    Returns
    -------
    spikes
        1 or 0 in the dtype of x, in the shape to which x, alpha and width broadcast. NaN where
        x is NaN or a traced parameter is invalid.

    Raises
    ------
    TypeError, ValueError
        As :class:`ReluGrad` does.

    Examples
    --------
    Three neurons, each with its own width, in two time steps (the rows):

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
