"""ReluGrad in the neurons of sparxml."""

import dataclasses

import sparx.nn
from sparx.surrogate import Surrogate

from relugrad import ReluGrad


@dataclasses.dataclass(frozen=True)
class InSparx(Surrogate):
    """The slope of a ReluGrad as a surrogate of sparxml."""

    relugrad: ReluGrad

    def derivative(self, x):
        """The triangle."""
        return self.relugrad.surrogate_grad(x)


lif = sparx.nn.LIF(tau=10.0, surrogate=InSparx(ReluGrad()))
