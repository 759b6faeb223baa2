"""Training: a layer of leaky integrate-and-fire neurons, and a sweep of surrogates."""

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import braintools
import jax
import jax.monitoring
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from relugrad import ReluGrad
from tests.benchmarks.contenders import JAX, TORCH, one_alpha, one_beta, one_k, one_over_width

STEPS, NEURONS, BATCH, INPUTS, DECAY = 100, 1000, 128, 100, 0.9
NETWORK = {"time steps": STEPS, "neurons": NEURONS, "inputs": INPUTS, "in a batch": BATCH}


def in_segments(step: Callable[..., Any], start: Any, currents: Any) -> Any:
    """A scan that keeps the state of every tenth time step, and computes the others again."""

    @jax.checkpoint
    def segment(state: Any, currents: Any) -> Any:
        return jax.lax.scan(step, state, currents)

    return jax.lax.scan(segment, start, currents.reshape(-1, 10, *currents.shape[1:]))


def loss(
    weights: Any, currents: Any, spike: Callable[[Any], Any], scan: Callable[..., Any]
) -> jax.Array:
    """How far the rates of the neurons are from a tenth."""

    def step(state: Any, current: jax.Array) -> tuple[Any, None]:
        potential, total = state
        potential = DECAY * potential + current @ weights
        fired = spike(potential - 1.0)
        return (potential - fired, total + fired), None

    silence = jnp.zeros((BATCH, NEURONS))
    (_, total), _ = scan(step, (silence, silence), currents)
    return jnp.square(total / STEPS - 0.1).mean()


BOTH_MODES = ReluGrad(1.0, 1.0, forward_mode=True)
VARIANTS: dict[str, tuple[Callable[[Any], Any], Callable[..., Any], str]] = {
    **{name: (spike, jax.lax.scan, "reverse") for name, spike in JAX.items()},
    "relugrad, checkpoint": (JAX["relugrad"], in_segments, "reverse"),
    "relugrad, forward_mode": (BOTH_MODES, jax.lax.scan, "reverse"),
    "relugrad, one jvp": (BOTH_MODES, jax.lax.scan, "forward"),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.benchmark(group="training")
def test_training_in_jax(benchmark: Any, variant: str) -> None:
    """The loss and its gradient, or its derivative in one direction."""
    spike, scan, mode = VARIANTS[variant]
    key = jax.random.key(0)
    weights = 0.1 * jax.random.normal(key, (INPUTS, NEURONS))
    currents = jax.random.uniform(key, (STEPS, BATCH, INPUTS))
    of_weights = functools.partial(loss, currents=currents, spike=spike, scan=scan)

    def forward(weights: jax.Array) -> Any:
        return jax.jvp(of_weights, (weights,), (weights,))

    function = forward if mode == "forward" else jax.value_and_grad(of_weights)
    lowered = jax.jit(function).lower(weights)
    start = time.perf_counter()
    compiled = lowered.compile()
    seconds = time.perf_counter() - start
    memory = compiled.memory_analysis()
    temporary = None if memory is None else memory.temp_size_in_bytes
    jax.block_until_ready(compiled(weights))
    benchmark.extra_info.update(name=variant, compile=seconds, temporary=temporary)
    benchmark.pedantic(lambda: jax.block_until_ready(compiled(weights)), rounds=15)


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.benchmark(group="training")
def test_training_in_torch(benchmark: Any, name: str) -> None:
    """The same network in PyTorch, as its users write it: a loop over the time steps."""
    torch.manual_seed(0)
    weights = (0.1 * torch.randn(INPUTS, NEURONS)).requires_grad_()
    currents = torch.rand(STEPS, BATCH, INPUTS)

    def update() -> None:
        weights.grad = None
        potential = torch.zeros(BATCH, NEURONS)
        total = torch.zeros(BATCH, NEURONS)
        for current in currents:
            potential = DECAY * potential + current @ weights
            fired = TORCH[name](potential - 1.0)
            potential = potential - fired
            total = total + fired
        (total / STEPS - 0.1).square().mean().backward()

    update()
    benchmark.extra_info.update(name=name, compile=None, temporary=None)
    benchmark.pedantic(update, rounds=15)


EPOCHS, EXAMPLES, HIDDEN, TICKS = 5, 1024, 64, 10
SWEPT = {"epochs": EPOCHS, "images": EXAMPLES, "neurons": HIDDEN, "time steps": TICKS}
PIXELS, DIGITS = load_digits(return_X_y=True)
IMAGES = jnp.asarray(PIXELS[:EXAMPLES] / 16, jnp.float32)
LABELS = jnp.asarray(DIGITS[:EXAMPLES])


def accuracy(spike: Callable[[Any], Any]) -> jax.Array:
    """Of a small network on the digits that it was trained on for five epochs."""
    keys = jax.random.split(jax.random.key(0))
    weights = (
        jax.random.normal(keys[0], (64, HIDDEN)) / 8,
        jax.random.normal(keys[1], (HIDDEN, 10)) / 8,
    )

    def scores(weights: Any, images: jax.Array) -> jax.Array:
        current = images @ weights[0]

        def step(potential: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
            potential = DECAY * potential + current
            fired = spike(potential - 1.0)
            return potential - fired, fired

        _, fired = jax.lax.scan(step, jnp.zeros_like(current), length=TICKS)
        return fired.mean(axis=0) @ weights[1]

    def of_batch(weights: Any, images: jax.Array, labels: jax.Array) -> jax.Array:
        logarithms = jax.nn.log_softmax(scores(weights, images))
        return -jnp.take_along_axis(logarithms, labels[:, None], axis=1).mean()

    def update(weights: Any, batch: Any) -> tuple[Any, None]:
        gradient = jax.grad(of_batch)(weights, *batch)
        return jax.tree.map(lambda w, g: w - 0.5 * g, weights, gradient), None

    def epoch(weights: Any, _: None) -> tuple[Any, None]:
        batches = IMAGES.reshape(-1, BATCH, 64), LABELS.reshape(-1, BATCH)
        return jax.lax.scan(update, weights, batches)

    weights, _ = jax.lax.scan(epoch, weights, length=EPOCHS)
    return (scores(weights, IMAGES).argmax(axis=1) == LABELS).mean()


def grid(count: int) -> tuple[np.ndarray, np.ndarray]:
    """So many pairs of alpha and width."""
    side = round(count**0.5)
    alpha = np.linspace(0.3, 2.0, side, dtype=np.float32)
    width = np.linspace(0.3, 1.0, side, dtype=np.float32)
    alpha, width = np.meshgrid(alpha, width)
    return alpha.ravel(), width.ravel()


def numbers(count: int) -> Iterator[tuple[float, float]]:
    """The same as Python's numbers."""
    return zip(*(array.tolist() for array in grid(count)), strict=True)


def one_vmap(make: Callable[..., Any], count: int) -> jax.Array:
    """All in one program."""
    return jax.jit(jax.vmap(lambda alpha, width: accuracy(make(alpha, width))))(*grid(count))


def a_loop(make: Callable[..., Any], count: int) -> jax.Array:
    """One program that takes the parameters, for each pair."""
    train = jax.jit(accuracy)
    return jnp.stack([train(make(alpha, width)) for alpha, width in numbers(count)])


def a_loop_that_compiles(make: Callable[..., Any], count: int) -> jax.Array:
    """A program for each pair, as where the parameters are constants of a function."""
    functions = [functools.partial(accuracy, make(*pair)) for pair in numbers(count)]
    return jnp.stack([jax.jit(function)() for function in functions])


def accuracy_in_torch(spike: Callable[[Any], Any]) -> float:
    """The same network, data and updates in PyTorch, as its users write it."""
    torch.manual_seed(0)
    images = torch.tensor(PIXELS[:EXAMPLES] / 16, dtype=torch.float32)
    labels = torch.tensor(DIGITS[:EXAMPLES])
    shapes = (64, HIDDEN), (HIDDEN, 10)
    weights = [(torch.randn(shape) / 8).requires_grad_() for shape in shapes]

    def scores(images: Any) -> Any:
        current = images @ weights[0]
        potential, total = torch.zeros_like(current), torch.zeros_like(current)
        for _ in range(TICKS):
            potential = DECAY * potential + current
            fired = spike(potential - 1.0)
            potential, total = potential - fired, total + fired
        return total / TICKS @ weights[1]

    for _ in range(EPOCHS):
        for batch in range(0, EXAMPLES, BATCH):
            rows = slice(batch, batch + BATCH)
            loss = torch.nn.functional.cross_entropy(scores(images[rows]), labels[rows])
            gradients = torch.autograd.grad(loss, weights)
            with torch.no_grad():
                for weight, gradient in zip(weights, gradients, strict=True):
                    weight -= 0.5 * gradient
    return (scores(images).argmax(dim=1) == labels).float().mean().item()


def a_loop_in_torch(make: Callable[..., Any], count: int) -> np.ndarray:
    """One training after the other; nothing is compiled."""
    return np.array([accuracy_in_torch(make(*pair)) for pair in numbers(count)])


SWEEPS = [
    *(("relugrad, one vmap", one_vmap, ReluGrad, count) for count in (1, 4, 16, 64)),
    *(("relugrad, a loop", a_loop, ReluGrad, count) for count in (1, 4, 16, 64)),
    ("braintools, one vmap", one_vmap, braintools.surrogate.ReluGrad, 64),
    ("braintools, a loop", a_loop_that_compiles, braintools.surrogate.ReluGrad, 64),
    ("spyx, a loop", a_loop_that_compiles, one_k, 64),
    ("snnax, one vmap", one_vmap, one_beta, 64),
    ("snnax, a loop", a_loop_that_compiles, one_beta, 64),
    ("norse, a loop", a_loop_in_torch, one_alpha, 64),
    ("spikingjelly, a loop", a_loop_in_torch, one_over_width, 64),
]


@pytest.mark.parametrize(
    ("name", "sweep", "make", "count"),
    SWEEPS,
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.benchmark(group="sweep")
def test_sweep(benchmark: Any, name: str, sweep: Any, make: Any, count: int) -> None:
    """From nothing to all accuracies, compilation included."""
    jax.clear_caches()
    compilations = []

    def listen(event: str, *_: Any, **__: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            compilations.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    accuracies = benchmark.pedantic(
        lambda: jax.block_until_ready(sweep(make, count)), rounds=1, iterations=1
    )
    assert accuracies.shape == (count,)
    benchmark.extra_info.update(
        name=name,
        count=count,
        compilations=len(compilations),
        best=accuracies.max().item(),
        worst=accuracies.min().item(),
    )


def test_spyx_cannot_be_swept_in_one_program() -> None:
    """So the page says; if this fails, there is one more way to compare with."""
    with pytest.raises(TypeError, match="Tracer"):
        one_vmap(one_k, 4)
