"""Numbers in a model are settings for Equinox and Flax."""

from typing import Any

import equinox as eqx
import pytest
from flax import nnx

from relugrad import ReluGrad


class Layer(eqx.Module):
    """Of Equinox."""

    spike: ReluGrad


class FlaxLayer(nnx.Module):
    """Of Flax."""

    def __init__(self, spike: ReluGrad) -> None:
        self.spike = spike


@pytest.mark.parametrize(("jit", "kind"), [(eqx.filter_jit, Layer), (nnx.jit, FlaxLayer)])
def test_a_model_with_other_numbers_is_compiled_again(jit: Any, kind: Any) -> None:
    compiled = []

    def spikes(layer: Any) -> Any:
        compiled.append(layer)  # runs only when JAX compiles
        return layer.spike(0.5)

    jitted = jit(spikes)
    for alpha in [0.3, 0.5, 0.5]:
        jitted(kind(ReluGrad(alpha)))
    assert len(compiled) == 2
