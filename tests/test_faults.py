"""What may go wrong around the package: threads, interrupts, other processes, other interpreters."""

import copy
import dataclasses
import importlib.metadata
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import relugrad
from relugrad import ReluGrad, relu_grad

Kind = TypeVar("Kind")

X = np.array([-2.0, -0.5, 0.0, 0.5, 2.0], np.float32)
THREADS = 16


class Tag:
    """A base class with a wish of its own for those who inherit from it."""

    def __init_subclass__(cls, tag: str = "", **keywords: Any) -> None:
        """Note the tag."""
        super().__init_subclass__(**keywords)
        cls.tag = tag

    tag: str


class Negated(ReluGrad):
    """A method is replaced."""

    def __call__(self, x: Any) -> jax.Array:
        """Spike downward."""
        return -super().__call__(x)


@dataclasses.dataclass(frozen=True, eq=False)
class Named(ReluGrad):
    """A field is added."""

    name: str = "hidden"


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Slotted(ReluGrad):
    """A field is added, and there is no `__dict__` for it."""

    name: str = "hidden"


class Measured(ReluGrad):
    """An attribute is added, by a constructor of its own."""

    unit: str

    def __init__(self, *parameters: Any, **keywords: Any) -> None:
        super().__init__(*parameters, **keywords)
        object.__setattr__(self, "unit", "mV")


class Tagged(ReluGrad, Tag, tag="output"):
    """Another base class is added, with a keyword."""


class Typed(ReluGrad, Generic[Kind]):
    """A type parameter is added."""


class Grandchild(Named):
    """A subclass of a subclass."""


SURROGATES: list[ReluGrad] = [
    ReluGrad(0.5, 2.0),
    ReluGrad(0.5, 2.0, forward_mode=True),
    ReluGrad(jnp.linspace(0.1, 0.5, 5), np.linspace(1, 2, 5)),
    Negated(0.5, 2.0),
    Named(0.5, 2.0, name="output"),
    Slotted(0.5, 2.0, name="output"),
    Measured(0.5, 2.0),
    Tagged(0.5, 2.0),
    Typed[int](0.5, 2.0),
    Grandchild(0.5, 2.0, name="output"),
]
parametrize_surrogates = pytest.mark.parametrize("surrogate", SURROGATES, ids=repr)


def everything(surrogate: ReluGrad, first: int = 0) -> list[np.ndarray[Any, Any]]:
    """Call, differentiate and sweep, beginning with any of them."""

    def slope(surrogate: ReluGrad) -> Any:
        return jax.grad(lambda x: surrogate(x).sum())(jnp.asarray(X))

    jobs: list[Callable[[], Any]] = [
        lambda: surrogate(X),
        lambda: surrogate.surrogate_grad(X),
        lambda: surrogate.surrogate_fun(X),
        lambda: slope(surrogate),
        lambda: jax.jit(slope)(surrogate),
        lambda: jax.vmap(slope)(jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), surrogate)),
        lambda: jax.jacrev(slope)(surrogate).alpha,
    ]
    order = [(first + i) % len(jobs) for i in range(len(jobs))]
    results = {i: np.asarray(jobs[i]()) for i in order}
    return [results[i] for i in range(len(jobs))]


def assert_same(results: list[Any], expected: list[Any]) -> None:
    """Compare to the bit."""
    assert len(results) == len(expected)
    for result, one in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, one, strict=True)


# Threads


@pytest.mark.parametrize("surrogate", SURROGATES[:3], ids=repr)
def test_threads_share_an_instance(surrogate: ReluGrad) -> None:
    """At once, from tracing and compiling on, each gets what one alone gets."""
    alone = everything(surrogate)
    start = threading.Barrier(THREADS)

    def work(thread: int) -> list[Any]:
        start.wait()
        return everything(surrogate, first=thread)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # with a GIL, threads take turns as often as they can
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            jax.clear_caches()
            for together in pool.map(work, range(THREADS)):
                assert_same(together, alone)
    finally:
        sys.setswitchinterval(interval)


# Interrupts


def spikes_and_slopes() -> list[Any]:
    """Trace and compile everything anew, and compute."""
    jax.clear_caches()
    return list(map(np.asarray, jax.jit(jax.vmap(jax.value_and_grad(relu_grad)))(X)))


def interrupt(folder: str, presses: int | None = None) -> tuple[int, int, int]:
    """Press Ctrl-C while JAX traces and compiles; count the presses, and what they stop and break.

    Each at a call of a Python function whose file is in the folder: so many, evenly spread, or one
    for every call.
    """
    calls = 0

    def count_down(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls -= event == "call" and frame.f_code.co_filename.startswith(folder)
        if calls == 0:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGINT)

    def watched(countdown: int) -> list[Any]:
        nonlocal calls
        calls = countdown
        sys.setprofile(count_down)
        try:
            return spikes_and_slopes()
        finally:
            sys.setprofile(None)

    expected = spikes_and_slopes()
    watched(-1)
    total = -1 - calls
    countdowns = np.linspace(1, total, presses or total).astype(int)
    stopped = broken = 0
    for countdown in countdowns:
        try:
            watched(int(countdown))
        except KeyboardInterrupt:
            stopped += 1
        except RuntimeError as error:  # what becomes of it where C++ called Python
            stopped += "KeyboardInterrupt" in str(error)
        broken += not np.array_equal(spikes_and_slopes(), expected)
    return len(countdowns), stopped, broken


def hear_interrupts() -> None:
    """Raise KeyboardInterrupt, as what a shell starts in the background does not by itself."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def process() -> Iterator[Executor]:
    """Another process, which imports everything itself."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), hear_interrupts) as pool:
        yield pool


def test_an_interrupt_in_any_function_of_the_package_breaks_nothing(process: Executor) -> None:
    """Each call raises KeyboardInterrupt, and the next one computes what it should."""
    presses, stopped, broken = process.submit(
        interrupt, str(Path(relugrad.__file__).parent)
    ).result()
    assert presses > 20
    assert (stopped, broken) == (presses, 0)


def test_an_interrupt_anywhere_in_tracing_and_compiling_breaks_nothing(process: Executor) -> None:
    """Also in JAX, where a callback may swallow it."""
    presses, stopped, broken = process.submit(interrupt, "", 25).result()
    assert stopped > 0.8 * presses
    assert broken == 0


# Other processes, and copies


@parametrize_surrogates
def test_a_pickle_of_another_process_is_the_same_surrogate(
    surrogate: ReluGrad, process: Executor
) -> None:
    """It goes there, works there, and comes back."""
    assert_same(process.submit(everything, surrogate).result(), everything(surrogate))
    back = process.submit(copy.copy, surrogate).result()
    assert type(back) is type(surrogate)
    assert back == surrogate


@parametrize_surrogates
@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, getattr(copy, "replace", dataclasses.replace)],
    ids=["copy", "deepcopy", "replace"],
)
def test_a_copy_works_as_the_original_does(copied: Callable[[Any], Any], surrogate: Any) -> None:
    """Outside of a trace, and inside of one, where the parameters are tracers."""
    assert_same(everything(copied(surrogate)), everything(surrogate))
    traced = jax.jit(lambda surrogate: copied(surrogate)(X))(surrogate)
    np.testing.assert_array_equal(traced, surrogate(X))


def test_a_replaced_parameter_is_validated_in_a_subclass_too() -> None:
    """And what it adds is kept."""
    surrogate: Any = Named(0.5, 2.0, name="output")
    assert dataclasses.replace(surrogate, alpha=1) == Named(1.0, 2.0, name="output")
    with pytest.raises(ValueError, match=r"^width must be positive"):
        dataclasses.replace(surrogate, width=0)
    with pytest.raises(TypeError, match=r"^forward_mode must be True or False"):
        dataclasses.replace(surrogate, forward_mode=1)
    with pytest.raises(TypeError, match="unexpected keyword"):
        dataclasses.replace(surrogate, slope=1)


# Subclasses


@parametrize_surrogates
def test_a_subclass_keeps_what_it_adds(surrogate: ReluGrad) -> None:
    """Through tree utilities and traces, as a part of the structure that is compared."""
    for back in (jax.tree.map(lambda leaf: leaf, surrogate), jax.jit(lambda s: s)(surrogate)):
        assert type(back) is type(surrogate)
        assert back == surrogate
        for name in ("name", "unit", "tag"):
            assert getattr(back, name, None) == getattr(surrogate, name, None)
    assert len(jax.tree.leaves(surrogate)) == 2


@pytest.mark.parametrize("subclass", [Named, Slotted])
def test_what_a_subclass_adds_tells_its_instances_apart(subclass: Any) -> None:
    """In comparisons, and in the caches of `jax.jit`."""
    traces = []

    @jax.jit
    def spikes(surrogate: Any) -> Any:
        traces.append(surrogate.name)
        return surrogate(X)

    one, other = subclass(name="one"), subclass(name="other")
    assert one != other
    for surrogate in (one, other, subclass(0.5, name="one")):
        spikes(surrogate)
    assert traces == ["one", "other"]


# Other interpreters

PROGRAM = """
import jax, jax.numpy as jnp
import relugrad
from relugrad import ReluGrad, relu_grad

x = jnp.array([-2.0, -0.5, 0.0, 0.5, 2.0])
for surrogate in (ReluGrad(), ReluGrad(jnp.full(5, 0.3), forward_mode=True)):
    print(surrogate, surrogate(x), surrogate.surrogate_grad(x), surrogate.surrogate_fun(x))
    print(jax.jit(jax.grad(lambda x: surrogate(x).sum()))(x), jax.tree.leaves(surrogate))
for bad in ({"alpha": -1}, {"width": "1"}, {"forward_mode": 1}, {"alpha": jnp.ones(2)}):
    try:
        print(relu_grad(x, **bad))
    except (TypeError, ValueError) as error:
        print(error)
"""


def run(*flags: str, **environment: str) -> str:
    """Run the program in an interpreter of its own."""
    ran = subprocess.run(
        [sys.executable, *flags, "-c", PROGRAM],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


@pytest.fixture(scope="module")
def ordinary_output() -> str:
    """What the program prints where nothing is special."""
    output = run()
    assert output.count("must be") == 3
    return output


@pytest.mark.parametrize("flags", [["-O"], ["-OO"], ["-bb"], ["-X", "dev"]], ids=" ".join)
def test_flags_of_the_interpreter_change_nothing(flags: list[str], ordinary_output: str) -> None:
    """No check is an assert, and nothing is read from a docstring."""
    assert run(*flags, "-W", "error") == ordinary_output


def test_pythonwarnings_error_finds_none(ordinary_output: str) -> None:
    """From the import on."""
    assert run(PYTHONWARNINGS="error") == ordinary_output


# Versions


def test_an_older_jax_is_refused_by_the_installer() -> None:
    """By what the package says of itself, which pip and uv go by."""
    (jax_,) = (
        requirement
        for requirement in map(Requirement, importlib.metadata.requires("relugrad") or [])
        if requirement.name == "jax" and requirement.marker is None
    )
    assert "0.4.36" in jax_.specifier
    assert not any(old in jax_.specifier for old in ("0.4.35", "0.4.1", "0.3.25"))
    assert jax.__version__ in jax_.specifier


def test_an_older_python_is_refused_by_the_installer() -> None:
    """The same of the interpreter."""
    python = SpecifierSet(importlib.metadata.metadata("relugrad")["Requires-Python"])
    assert "3.11" in python
    assert "3.10.99" not in python
    assert ".".join(map(str, sys.version_info[:3])) in python
