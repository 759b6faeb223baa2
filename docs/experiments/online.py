"""How near e-prop comes to the gradient of BPTT, and whether the difference matters to learning.

A seed draws the inputs, the target's phase, the readout and the weights of a recurrent layer that
learns to follow a sine. Its cosines compare gradients of one pass of the pattern; its loss is that
of the last pass, after an update in each time step.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from experiments.common import ATTACHED, OPTIMIZERS
from relugrad import ReluGrad

QUICK = {"seeds": 2, "presentations": 2}
NEURONS, CHANNELS, DURATION, DECAY = 10, 10, 100, 0.9
PEAKS, STRENGTHS = [0.3, 1.0], [0.0, 0.5, 1.0]
RATES = {"SGD": [0.001, 0.003, 0.01, 0.03, 0.1], "Adam": [0.0001, 0.0003, 0.001, 0.003, 0.01]}


def step(spike, v, weights, x, reset="attached", recurrent="attached"):
    """The potential of the next time step, before its reset."""
    s = spike(v - 1.0)
    heard = jnp.concatenate([ATTACHED[recurrent](s), x])
    return DECAY * (v - ATTACHED[reset](s)) + weights @ heard


def loss(spike, v, readout, target):
    """The squared error of this time step."""
    return (readout @ spike(v - 1.0) - target) ** 2


def bptt(spike, weights, readout, stream, reset="attached", recurrent="attached"):
    """The gradient of the summed loss, with the chosen paths detached."""

    def total(weights):
        def scan_step(v, now):
            v = step(spike, v, weights, now[0], reset, recurrent)
            return v, loss(spike, v, readout, now[1])

        return jax.lax.scan(scan_step, jnp.zeros(NEURONS), stream)[1].sum()

    return jax.grad(total)(weights)


# What the potentials remember of the weights: by all paths, or by a neuron's own paths alone.
def rtrl(spike, trace, v, weights, x):
    """RTRL."""
    by_v, by_weights = jax.jacrev(partial(step, spike), (0, 1))(v, weights, x)
    return jnp.tensordot(by_v, trace, 1) + by_weights


def eprop(spike, trace, v, weights, x):
    """e-prop."""
    return DECAY * trace + jnp.concatenate([spike(v - 1.0), x])


def eprop_with_reset(spike, trace, v, weights, x):
    """e-prop with the reset."""
    own = DECAY * (1 - spike.surrogate_grad(v - 1.0))
    return own[:, None] * trace + jnp.concatenate([spike(v - 1.0), x])


RULES = {rule.__doc__.removesuffix("."): rule for rule in [rtrl, eprop, eprop_with_reset]}


def online(spike, rule, weights, readout, stream, optimizer=None):
    """The summed gradient, and the loss of each time step; with an optimizer, learning as it runs."""

    def scan_step(carry, now):
        v, trace, weights, moments, total = carry
        trace = RULES[rule](spike, trace, v, weights, now[0])
        v = step(spike, v, weights, now[0])
        value, signal = jax.value_and_grad(partial(loss, spike))(v, readout, now[1])
        by_neuron = "i,ijk->jk" if trace.ndim == 3 else "i,ik->ik"
        gradient = jnp.einsum(by_neuron, signal, trace)
        if optimizer:
            change, moments = optimizer.update(gradient, moments)
            weights = optax.apply_updates(weights, change)
        return (v, trace, weights, moments, total + gradient), value

    zeros = jnp.zeros_like(weights)
    trace = jnp.zeros((NEURONS, *zeros.shape)) if rule == "RTRL" else zeros
    start = jnp.zeros(NEURONS), trace, weights, optimizer and optimizer.init(weights), zeros
    (*_, total), losses = jax.lax.scan(scan_step, start, stream)
    return total, losses


def draw(key, strength):
    """Weights, readout, and the inputs and targets of one presentation."""
    keys = jax.random.split(key, 5)
    recurrent = strength * jax.random.normal(keys[0], (NEURONS, NEURONS)) / NEURONS**0.5
    weights = [recurrent, jax.random.normal(keys[1], (NEURONS, CHANNELS)) / 2 + 0.2]
    readout = jax.random.normal(keys[2], (NEURONS,)) / NEURONS**0.5
    inputs = jax.random.bernoulli(keys[3], 0.1, (DURATION, CHANNELS)).astype(jnp.float32)
    phase = 2 * jnp.pi * (2 * jnp.arange(DURATION) / DURATION + jax.random.uniform(keys[4]))
    return jnp.hstack(weights), readout, (inputs, jnp.sin(phase))


@jax.jit
def cosines(key, spike, strength):
    """Of each rule's gradient with that of BPTT, for both resets."""
    weights, readout, stream = draw(key, strength)

    def cosine(rule, reset):
        a = online(spike, rule, weights, readout, stream)[0]
        b = bptt(spike, weights, readout, stream, reset)
        return jnp.vdot(a, b) / jnp.linalg.norm(a) / jnp.linalg.norm(b)

    return {(rule, reset): cosine(rule, reset) for rule in RULES for reset in ATTACHED}


@partial(jax.jit, static_argnames=["rule", "optimizer", "presentations"])
def learned(key, rate, spike, rule, optimizer, presentations):
    """The mean loss of the first presentation and of the last."""
    weights, readout, stream = draw(key, 0.5)
    stream = jax.tree.map(lambda a: jnp.concatenate([a] * presentations), stream)
    losses = online(spike, rule, weights, readout, stream, OPTIMIZERS[optimizer](rate))[1]
    return losses[:DURATION].mean(), losses[-DURATION:].mean()


def run(seeds=40, presentations=100):
    """Cosines for two peaks and three strengths of the recurrent weights; losses by rule and rate."""
    keys = jax.random.split(jax.random.key(0), seeds)
    rows = []
    for peak in PEAKS:
        spike = ReluGrad(alpha=peak, width=1.0)
        for strength in STRENGTHS:
            found = jax.vmap(cosines, (0, None, None))(keys, spike, strength)
            rows += [
                {
                    "peak": peak,
                    "strength": strength,
                    "rule": rule,
                    "reset": reset,
                    "cosine": found[rule, reset],
                }
                for rule, reset in found
            ]
        for rule in RULES:
            for optimizer, rates in RATES.items():
                one = partial(
                    learned,
                    spike=spike,
                    rule=rule,
                    optimizer=optimizer,
                    presentations=presentations,
                )
                first, last = jax.vmap(jax.vmap(one, (0, None)), (None, 0))(keys, jnp.array(rates))
                rows += [
                    {
                        "peak": peak,
                        "rule": rule,
                        "optimizer": optimizer,
                        "rate": rate,
                        "first": a,
                        "last": b,
                    }
                    for rate, a, b in zip(rates, first, last, strict=True)
                ]
    return rows
