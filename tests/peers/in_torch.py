"""ReluGrad in PyTorch, for snnTorch and SpikingJelly."""

import snntorch
import torch
from spikingjelly.activation_based.neuron import LIFNode


class Triangle(torch.autograd.Function):
    """A spike where x >= 0, with the gradient of ReluGrad(alpha, width)."""

    @staticmethod
    def forward(ctx, x, alpha, width):
        """Spike, and keep what the backward pass needs."""
        ctx.save_for_backward(x)
        ctx.alpha, ctx.width = alpha, width
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx, cotangent):
        """Multiply by the triangle; alpha and width have no gradient."""
        (x,) = ctx.saved_tensors
        slope = ctx.alpha * torch.relu(ctx.width - x.abs())
        return cotangent * slope, None, None


def spike(x):
    """ReluGrad(0.3, 1.0) in PyTorch."""
    return Triangle.apply(x, 0.3, 1.0)


torch_leaky = snntorch.Leaky(beta=0.9, spike_grad=spike)
torch_lif = LIFNode(surrogate_function=spike)
