"""e-prop and RTRL for a recurrent layer that learns to follow a sine."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from experiments.experiment import RESET, Case, Experiment, cases, rates
from experiments.network import RESETS, attach, optimizer
from experiments.surrogates import Spike, Surrogate, slope_of

NEURONS, CHANNELS, DURATION, DECAY = 10, 10, 100, 0.9
RULES = ("RTRL", "e-prop", "e-prop with the reset")


def step(
    spike: Spike, v: Array, weights: Array, x: Array, reset: Any = True, recurrent: Any = True
) -> Array:
    """The potential of the next time step, before its reset; what is detached is False."""
    s = spike(v - 1.0)
    left: Array = RESETS["subtract, then leak"](v, attach(s, reset), DECAY)
    return left + weights @ jnp.concatenate([attach(s, recurrent), x])


def error(spike: Spike, v: Array, readout: Array, target: Array) -> Any:
    """The squared error of this time step."""
    return (readout @ spike(v - 1.0) - target) ** 2


def bptt(
    spike: Spike, weights: Array, readout: Array, stream: Any, reset: Any, recurrent: Any = True
) -> Any:
    """The gradient of the summed error, with the chosen paths detached."""

    def total(weights: Array) -> Array:
        def scan_step(v: Array, now: Any) -> tuple[Array, Array]:
            v = step(spike, v, weights, now[0], reset, recurrent)
            return v, error(spike, v, readout, now[1])

        return jax.lax.scan(scan_step, jnp.zeros(NEURONS), stream)[1].sum()

    return jax.grad(total)(weights)


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
        value, signal = jax.value_and_grad(partial(error, spike))(v, readout, now[1])
        gradient = jnp.einsum("i,ijk->jk" if trace.ndim == 3 else "i,ik->ik", signal, trace)
        change, moments = descent.update(gradient, moments)
        weights = optax.apply_updates(weights, change)
        return (v, trace, weights, moments, total + gradient), value

    zeros = jnp.zeros_like(weights)
    trace = jnp.zeros((NEURONS, *zeros.shape)) if rule == "RTRL" else zeros
    start = jnp.zeros(NEURONS), trace, weights, descent.init(weights), zeros
    (*_, total), errors = jax.lax.scan(scan_step, start, stream)
    return total, errors


def draw(key: Array, case: Case, passes: int = 1) -> Any:
    """Weights, readout, and the inputs and targets of all passes of the pattern."""
    keys = jax.random.split(key, 5)
    recurrent = jax.random.normal(keys[0], (NEURONS, NEURONS)) / NEURONS**0.5
    feedforward = jax.random.normal(keys[1], (NEURONS, CHANNELS)) / 2 + 0.2
    readout = jax.random.normal(keys[2], (NEURONS,)) / NEURONS**0.5
    inputs = jax.random.bernoulli(keys[3], 0.1, (DURATION, CHANNELS)).astype(jnp.float32)
    phase = 2 * jnp.pi * (2 * jnp.arange(DURATION) / DURATION + jax.random.uniform(keys[4]))
    stream = jax.tree.map(lambda a: jnp.concatenate([a] * passes), (inputs, jnp.sin(phase)))
    return recurrent, feedforward, readout, stream


def gradients(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """The cosine of a rule's gradient of one pass with that of BPTT."""
    recurrent, feedforward, readout, stream = drawn
    weights = jnp.hstack([case["strength"] * recurrent, feedforward])
    spike = surrogate(case["peak"], 0.5)
    a = online(spike, case["rule"], weights, readout, stream)[0]
    b = bptt(spike, weights, readout, stream, case["reset"])
    return {"cosine": (jnp.vdot(a, b) / jnp.linalg.norm(a) / jnp.linalg.norm(b))[None]}


def learning(drawn: Any, case: Case, surrogate: Surrogate) -> dict[str, Array]:
    """The mean loss of the last pass of the pattern, after an update in each time step."""
    recurrent, feedforward, readout, stream = drawn
    weights, spike = jnp.hstack([recurrent / 2, feedforward]), surrogate(case["peak"], 0.5)
    losses = online(spike, case["rule"], weights, readout, stream, case)[1].reshape(-1, DURATION)
    return {"last": losses.mean(axis=1)[jnp.array([len(losses) // 5 - 1, len(losses) - 1])]}


DRAWN = "A seed draws the inputs, the target's phase, the readout and the weights."
GRADIENTS = Experiment(
    name="online_gradients",
    question="How near does e-prop come to the gradient of BPTT?",
    drawn=DRAWN,
    cases=cases(peak=[0.3, 1.0], strength=[0.0, 0.5, 1.0], rule=RULES, reset=RESET),
    draw=lambda key, case, _: draw(key, case),
    trial=gradients,
    seeds=40,
    updates=0,
    outcome="cosine",
    best="highest",
    by=("peak", "strength", "rule", "reset"),
    tuned=(),
)
EXPERIMENT = Experiment(
    name="online",
    question="Does the difference between e-prop and BPTT matter to learning?",
    drawn=DRAWN,
    cases=cases(
        peak=[0.3, 1.0],
        rule=RULES,
        how=[
            *rates("SGD", 0.001, 0.003, 0.01, 0.03, 0.1),
            *rates("Adam", 0.0001, 0.0003, 0.001, 0.003, 0.01),
        ],
    ),
    draw=draw,
    trial=learning,
    seeds=20,
    updates=100,
    outcome="last",
    best="lowest",
    by=("peak", "rule"),
    tuned=("optimizer", "rate"),
    length="passes of the pattern",
)
