"""e-prop and RTRL for a recurrent layer that learns to follow a sine."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from experiments.experiment import Experiment, cases, rates
from experiments.network import RESETS, Case, optimizer
from experiments.surrogates import Spike, Surrogate, slope_of

NEURONS, CHANNELS, DURATION, DECAY = 10, 10, 100, 0.9
RULES = ("RTRL", "e-prop", "e-prop with the reset")


def step(spike: Spike, v: Array, weights: Array, x: Array) -> Array:
    """The potential of the next time step, before its reset."""
    s = spike(v - 1.0)
    left: Array = RESETS["subtract, then leak"](v, s, DECAY)
    return left + weights @ jnp.concatenate([s, x])


def remembered(rule: str, spike: Spike, trace: Array, v: Array, weights: Array, x: Array) -> Any:
    """What the potentials remember of the weights: by all paths, or by a neuron's own alone."""
    if rule == "RTRL":
        by_v, by_weights = jax.jacrev(partial(step, spike), (0, 1))(v, weights, x)
        return jnp.tensordot(by_v, trace, 1) + by_weights
    own = DECAY * (1 - slope_of(spike, v - 1.0) * (rule == "e-prop with the reset"))
    return own[:, None] * trace + jnp.concatenate([spike(v - 1.0), x])


def online(
    spike: Spike, rule: str, weights: Array, readout: Array, stream: Any, case: Case | None = None
) -> tuple[Array, Array]:
    """The summed gradient, and the error of each time step; a case learns in each of them."""
    descent = optimizer(case) if case else optax.set_to_zero()

    def scan_step(carry: Any, now: Any) -> Any:
        v, trace, weights, moments, total = carry
        trace = remembered(rule, spike, trace, v, weights, now[0])
        v = step(spike, v, weights, now[0])
        value, signal = jax.value_and_grad(lambda v: (spike(v - 1.0) @ readout - now[1]) ** 2)(v)
        gradient = jnp.einsum("i,ijk->jk" if rule == "RTRL" else "i,ik->ik", signal, trace)
        change, moments = descent.update(gradient, moments)
        weights = optax.apply_updates(weights, change)
        return (v, trace, weights, moments, total + gradient), value

    zeros = jnp.zeros_like(weights)
    trace = jnp.zeros((NEURONS, *zeros.shape)) if rule == "RTRL" else zeros
    start = jnp.zeros(NEURONS), trace, weights, descent.init(weights), zeros
    (*_, total), errors = jax.lax.scan(scan_step, start, stream)
    return total, errors


def draw(key: Array, case: Case, updates: int) -> Any:
    """Weights, readout, and the inputs and targets of a pattern, again and again for a training."""
    keys = jax.random.split(key, 5)
    recurrent = jax.random.normal(keys[0], (NEURONS, NEURONS)) / NEURONS**0.5
    feedforward = jax.random.normal(keys[1], (NEURONS, CHANNELS)) / 2 + 0.2
    readout = jax.random.normal(keys[2], (NEURONS,)) / NEURONS**0.5
    inputs = jax.random.bernoulli(keys[3], 0.1, (DURATION, CHANNELS)).astype(jnp.float32)
    phase = 2 * jnp.pi * (2 * jnp.arange(DURATION) / DURATION + jax.random.uniform(keys[4]))
    stream = [jnp.resize(a, (updates, *a.shape[1:])) for a in (inputs, jnp.sin(phase))]
    return recurrent, feedforward, readout, stream


def learning(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """The mean loss of the last pass of the pattern, after an update in each time step."""
    recurrent, feedforward, readout, stream = drawn
    weights, spike = jnp.hstack([recurrent / 2, feedforward]), surrogate(case["peak"], 0.5)
    losses = online(spike, case["rule"], weights, readout, stream, case)[1]
    ends = len(losses) // 5, len(losses)
    return {"last": jnp.stack([losses[max(0, end - DURATION) : end].mean() for end in ends])}


SGD = rates("SGD", 0.001, 0.003, 0.01, 0.03, 0.1)
ADAM = rates("Adam", 0.0001, 0.0003, 0.001, 0.003, 0.01)
LEARNING = Experiment(
    "Does the difference between e-prop and BPTT matter to learning?",
    cases(peak=[0.3, 1.0], rule=RULES, how=SGD + ADAM),
    by=("peak", "rule"),
    draw=draw,
    trial=learning,
    seeds=60,
    updates=10_000,
    outcomes=("last",),
    best="lowest",
)
