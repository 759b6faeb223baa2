"""The ReLU surrogate gradient for spiking neural networks in JAX."""

from relugrad._relu_grad import ReluGrad, relu_grad

__all__ = ["ReluGrad", "relu_grad"]
__version__ = "0.1.0.dev0"
