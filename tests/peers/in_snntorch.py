"""A network of snnTorch, and its weights for JAX."""

import snntorch
import torch

layers = torch.nn.ModuleList([torch.nn.Linear(20, 32), torch.nn.Linear(32, 2)])
lif = snntorch.Leaky(beta=0.9)


def torch_network(inputs):
    """From (time, batch, 20) to the spikes of the last layer."""
    potentials, spikes = [lif.init_leaky() for _ in layers], []
    for x in inputs:
        for n, layer in enumerate(layers):
            x, potentials[n] = lif(layer(x), potentials[n])
        spikes.append(x)
    return torch.stack(spikes)


def weights_of(layers):
    """Their weights and biases as NumPy arrays."""
    named = [dict(layer.named_parameters()) for layer in layers]
    return [{n: p.detach().cpu().numpy() for n, p in w.items()} for w in named]
