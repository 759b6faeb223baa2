"""A network of snnTorch."""

import snntorch
import torch

layers = torch.nn.ModuleList([torch.nn.Linear(20, 32), torch.nn.Linear(32, 2)])
leaky = snntorch.Leaky(beta=0.9)


def network(inputs):
    """From (time, batch, 20) to the spikes of the last layer."""
    potentials, spikes = [leaky.init_leaky() for _ in layers], []
    for x in inputs:
        for n, layer in enumerate(layers):
            x, potentials[n] = leaky(layer(x), potentials[n])
        spikes.append(x)
    return torch.stack(spikes)
