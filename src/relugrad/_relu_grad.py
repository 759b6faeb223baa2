"""The public API: the parameter object, its methods, and the function."""

from __future__ import annotations  # help() shows ArrayLike, and not all of its types

import dataclasses
from typing import Any, final

import jax
from jax.tree_util import GetAttrKey
from jax.typing import ArrayLike

from relugrad._arguments import call_checked, checked_parameter, on_checked_arrays, require_bool
from relugrad._surrogate import spike, spike_forward_mode, surrogate_fun, surrogate_grad

_spike = jax.jit(on_checked_arrays(spike))
# Beside that of spike_forward_mode, this checkpoint stores x before its promotion, as others do.
# Barriers, which prevent_cse=False leaves out, would let an unrolled network compile for minutes.
_forward_mode = jax.jit(jax.checkpoint(on_checked_arrays(spike_forward_mode), prevent_cse=False))
_surrogate_grad = jax.jit(on_checked_arrays(surrogate_grad))
_surrogate_fun = jax.jit(on_checked_arrays(surrogate_fun))


@final
@dataclasses.dataclass(frozen=True)
class ReluGrad:
    r"""Unit step with a triangular surrogate gradient.

    It spikes where ``x >= 0``, and its derivative is ``max(0, alpha * (width - abs(x)))`` instead:
    the ReLU :term:`surrogate gradient`, also called triangular or piecewise linear. Here ``x`` is
    the membrane potential minus the threshold:

    >>> import jax
    >>> import jax.numpy as jnp
    >>> from relugrad import ReluGrad
    >>> x = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
    >>> spike = ReluGrad(alpha=0.3, width=1.0)
    >>> print(spike(x))
    [0. 0. 1. 1. 1.]
    >>> print(jax.vmap(jax.grad(spike))(x))
    [0.   0.15 0.3  0.15 0.  ]

    Parameters
    ----------
    alpha
        Steepness of the triangle's sides, in 1 / (unit of ``x``)²: a positive, finite number or an
        array that broadcasts against ``x``. Default 0.3, as in [3].
    width
        Distance from the threshold at which the triangle reaches 0, in the unit of ``x``: a number
        or an array, like ``alpha``. Default 1.0.
    forward_mode
        Also allow :func:`jax.jvp`, which training doesn't need. Default False.

    Raises
    ------
    TypeError
        If ``alpha`` or ``width`` isn't real, or ``forward_mode`` isn't a bool.
    ValueError
        If ``alpha`` or ``width`` isn't positive and finite. If JAX traces them, as :func:`jax.jit`
        does, or float32 can't hold them, as 1e39 or 1e-40, spikes and gradients are NaN instead.

    See Also
    --------
    relu_grad : The same as a function of ``x``, ``alpha`` and ``width``.

    Notes
    -----
    The forward pass is a step, whose derivative is 0 wherever it exists:

    .. math:: g(x) = \begin{cases} 1 & x \ge 0 \\ 0 & x < 0 \end{cases}

    The backward pass uses a triangle instead [1] [2] [3]:

    .. math:: g'(x) = \operatorname{ReLU}(\alpha\,(w - |x|))
              = \max(0, \alpha\,(w - |x|))

    where :math:`\alpha` is ``alpha`` and :math:`w` is ``width``. The triangle

    - peaks at :math:`\alpha w` at :math:`x = 0`,
    - falls linearly to 0 at :math:`x = \pm w`,
    - is 0 for :math:`|x| \ge w`: no gradient passes there.

    .. image:: /_static/step-and-triangle.svg
        :alt: Left, a step from 0 to 1 at 0. Right, a triangle from -w to w.

    **A pytree.** ``alpha`` and ``width``, kept as ``float`` or as JAX arrays, are its leaves: sweep
    them with :func:`jax.vmap` (:doc:`/how-to/surrogate-gradient-and-reset`), shard them, keep them
    in a model. If you pass a ``ReluGrad`` to a jitted function, one compiled program serves all
    values. ``dataclasses.replace`` makes a modified copy.

    **Derivatives.** The spikes don't depend on ``alpha`` and ``width``, so gradient descent leaves
    both as they are; keep them out of weight decay. The second derivative of a spike is the
    derivative of the triangle; for those of a network, see :doc:`/custom-derivatives/goes-wrong`.

    **Memory.** For the backward pass, a call stores only ``alpha``, ``width``, and ``x`` in the
    shape and dtype of the spikes. With ``forward_mode``, ``x`` is stored as you pass it.

    References
    ----------
    .. [1] E. O. Neftci, H. Mostafa and F. Zenke, "Surrogate gradient learning in spiking neural
       networks", IEEE Signal Processing Magazine 36(6), 51-63, 2019.
       https://doi.org/10.1109/MSP.2019.2931595
    .. [2] S. K. Esser et al., PNAS 113(41), 11441-11446, 2016.
       https://doi.org/10.1073/pnas.1604850113
    .. [3] Bellec et al., NeurIPS 31, 2018. https://doi.org/10.48550/arXiv.1803.09574

    Examples
    --------
    A leaky neuron with a constant input. A spike subtracts the threshold of 1 from its potential:

    >>> import jax
    >>> from relugrad import ReluGrad
    >>> def neuron(spike, currents):
    ...     def step(potential, current):
    ...         potential = 0.9 * potential + current
    ...         spikes = spike(potential - 1.0)
    ...         return potential - spikes, spikes
    ...     return jax.lax.scan(step, 0.0, currents)[1]
    >>> print(neuron(ReluGrad(), jax.numpy.full(6, 0.25)))
    [0. 0. 0. 0. 1. 0.]

    JAX computes these triangles as gradients. In the lower panel, a wider triangle is also higher.

    .. plot::
        :alt: Triangles over x from -3 to 3. Above, alpha 0.3, 0.5 and 1.0 with width 1.0 and 2.0.
            Below, alpha 0.5: the wider, the higher.

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
            panel.legend(loc="upper center", ncols=2, fontsize=10)
    """

    alpha: ArrayLike = 0.3
    width: ArrayLike = 1.0
    forward_mode: bool = dataclasses.field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        require_bool("forward_mode", self.forward_mode)
        for name in _PARAMETERS:
            object.__setattr__(self, name, checked_parameter(name, getattr(self, name)))

    def __call__(self, x: ArrayLike) -> jax.Array:
        """Spike where ``x >= 0``.

        Parameters
        ----------
        x
            Membrane potential minus threshold: a real number or array that broadcasts.

        Returns
        -------
        spikes : jax.Array
            1 or 0, in the dtype of ``x`` (float for integers); NaN for NaN.

        Raises
        ------
        TypeError, ValueError, OverflowError
            If ``x`` isn't real, doesn't broadcast, or is a Python integer beyond JAX's, as
            ``2**40``. NumPy's keep their value.
        """
        function = _forward_mode if self.forward_mode else _spike
        return call_checked(function, x, self.alpha, self.width)

    def surrogate_grad(self, x: ArrayLike) -> jax.Array:
        """The triangle, ``max(0, alpha * (width - abs(x)))``, for a plot or a learning rule.

        Parameters
        ----------
        x
            As for ``__call__``.

        Returns
        -------
        slope : jax.Array
            In the dtype of ``x``; NaN where ``x`` is NaN.

        Examples
        --------
        >>> from relugrad import ReluGrad
        >>> print(ReluGrad(alpha=0.3, width=1.0).surrogate_grad(0.5))
        0.15
        >>> wide = ReluGrad(alpha=0.4, width=2.0)
        >>> print(*map(wide.surrogate_grad, [-2.5, -1.5, 0.5]))
        0.0 0.2 0.6
        """
        return call_checked(_surrogate_grad, x, self.alpha, self.width)

    def surrogate_fun(self, x: ArrayLike) -> jax.Array:
        """The integral of the triangle from ``-width`` to ``x``: a smooth step.

        In place of spikes, it lets finite differences check a gradient: :doc:`/how-to/diagnose`.

        Parameters
        ----------
        x
            As for ``__call__``.

        Returns
        -------
        integral : jax.Array
            In the dtype of ``x``: from 0 at ``-width`` to ``alpha * width**2`` at ``width``.

        Examples
        --------
        >>> from relugrad import ReluGrad
        >>> print(ReluGrad(alpha=1.0, width=1.0).surrogate_fun(0.5))
        0.875
        >>> wide = ReluGrad(alpha=0.4, width=2.0)
        >>> print(*map(wide.surrogate_fun, [-2.5, -1.5, 0.5, 2]))
        0.0 0.05 1.15 1.6
        """
        return call_checked(_surrogate_fun, x, self.alpha, self.width)

    def __repr__(self) -> str:
        shown = [*_PARAMETERS, "forward_mode"] if self.forward_mode else _PARAMETERS
        return f"ReluGrad({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


# The leaves of the pytree. The mode belongs to its structure.
_PARAMETERS = [f.name for f in dataclasses.fields(ReluGrad) if f.name != "forward_mode"]


def _flatten_with_keys(instance: ReluGrad) -> tuple[Any, bool]:
    return [(GetAttrKey(p), getattr(instance, p)) for p in _PARAMETERS], instance.forward_mode


def _unflatten(forward_mode: bool, leaves: Any) -> ReluGrad:
    # Unlike register_dataclass, past the constructor, which refuses the None that JAX puts here.
    instance = object.__new__(ReluGrad)
    vars(instance).update(zip(_PARAMETERS, leaves, strict=True), forward_mode=forward_mode)
    return instance


jax.tree_util.register_pytree_with_keys(ReluGrad, _flatten_with_keys, _unflatten)


def relu_grad(
    x: ArrayLike,
    alpha: ArrayLike = ReluGrad.alpha,
    width: ArrayLike = ReluGrad.width,
    *,
    forward_mode: bool = False,
) -> jax.Array:
    """Spike where ``x >= 0``; differentiate as ``max(0, alpha * (width - abs(x)))``.

    The same as :class:`ReluGrad(alpha, width)(x) <ReluGrad>`, which explains it.

    Parameters
    ----------
    x
        :term:`Membrane potential <membrane potential>` minus threshold, of any shape. Floats keep
        their dtype; integers and booleans become floats, as in :func:`jax.numpy.sin`.
    alpha
        Steepness of the triangle's sides, in 1/unit(x)². Default 0.3.
    width
        Distance at which the triangle reaches 0, in the unit of ``x``. Default 1.0.
    forward_mode
        Also allow :func:`jax.jvp`. Default False.

    Returns
    -------
    spikes : jax.Array
        1 or 0 in the dtype of ``x``, in the shape to which ``x``, ``alpha`` and ``width``
        broadcast; NaN where ``x`` is NaN or a traced parameter is invalid.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As for :class:`ReluGrad` and its call.

    Examples
    --------
    Three neurons 0.5 above the threshold, each with its own width:

    >>> import jax
    >>> import jax.numpy as jnp
    >>> from relugrad import relu_grad
    >>> x = jnp.full(3, 0.5)
    >>> width = jnp.array([0.5, 1.0, 2.0])
    >>> print(jax.grad(lambda x: relu_grad(x, 1.0, width).sum())(x))
    [0.  0.5 1.5]

    NaN, for NaN and a traced alpha that isn't positive; and a spike and its tangent:

    >>> print(relu_grad(jnp.array([-1e-9, -0.0, jnp.nan], "bfloat16")))
    [0 1 nan]
    >>> print(jax.vmap(relu_grad, (None, 0))(0.5, jnp.array([0.4, -1.0])))
    [ 1. nan]
    >>> def spike(x):
    ...     return relu_grad(x, 0.4, 2.0, forward_mode=True)
    >>> print(*jax.jvp(spike, (0.5,), (10.0,)))
    1.0 6.0
    """
    return ReluGrad(alpha, width, forward_mode=forward_mode)(x)
