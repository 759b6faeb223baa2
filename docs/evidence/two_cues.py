"""At which peaks and widths an adaptive or a recurrent layer remembers a cue."""

import matplotlib.pyplot as plt
import pandas as pd

from evidence.record import Record

CUES = Record("two_cues")
seeds = CUES.seeds
LAYERS, BY = ["adaptive", "recurrent"], ["layer", "reset", "width", "peak"]
TRAINED = {"hidden": "trained", "optimizer": "Adam", "rise_attached": 1.0}
MEANS = CUES.means(*BY, layer=LAYERS, **TRAINED).sort_index()
SOON = CUES.means("layer", "reset", updates=100, width=1.0, peak=0.3, **TRAINED)
ADAPTIVE, RECURRENT = (MEANS[layer].unstack() for layer in LAYERS)
CUT = CUES.means("reset", "width", "peak", layer="adaptive", rise_attached=0.0).unstack()
adaptive_one, adaptive_cut = (round(of.loc[("detached", 1.0), 1.0]) for of in (ADAPTIVE, CUT))
adaptive_frozen, _, synaptic_frozen = CUES.means("layer", hidden="frozen").map(round)
lif, synaptic = CUES.means("layer", layer=["lif", "synaptic"], peak=0.3, hidden="trained").map(
    round
)


def table() -> pd.DataFrame:
    """Accuracies in percent, by layer, reset, width and peak."""
    return MEANS.round().astype(int).unstack()


def figure() -> None:
    """Accuracy over the peak, for both layers."""
    whole, panels = plt.subplots(1, 2, figsize=(6, 3.6), sharey=True, layout="constrained")
    for panel, layer in zip(panels, LAYERS, strict=True):
        of = MEANS[layer].unstack(["reset", "width"])
        of = of.set_axis([f"{reset}, width {width:g}" for reset, width in of], axis=1)
        of.plot(ax=panel, style=["C0-o", "C0--s", "C1-o", "C1--s"], markersize=4, legend=False)
        panel.set(xscale="log", title=layer, ylabel="accuracy (%)")
        panel.set_xticks([0.1, 0.3, 1, 3], ["0.1", "0.3", "1", "3"])
        panel.minorticks_off()
    lines = panel.get_legend_handles_labels()
    whole.legend(*lines, loc="outside lower center", ncols=2)


def test_with_the_default_triangle_both_layers_remember_with_either_reset() -> None:
    assert MEANS.xs((1.0, 0.3), level=("width", "peak")).min() > 99
    assert SOON[LAYERS].min() > 97


def test_an_adaptive_layer_does_worse_at_a_width_of_2() -> None:
    assert (ADAPTIVE.xs(2.0, level="width")[0.3] < 94).all()


def test_with_a_detached_reset_a_peak_of_1_is_too_high_for_an_adaptive_layer() -> None:
    assert ADAPTIVE.loc[("attached", 1.0), 1.0] > 98
    assert ADAPTIVE.loc[("detached", 1.0), [0.1, 0.3]].min() > 98 > 95 > adaptive_one
    assert abs(adaptive_one - adaptive_frozen) < 2


def test_a_recurrent_layer_bears_an_area_of_2_with_an_attached_reset() -> None:
    assert RECURRENT[[0.1, 0.3]].min(axis=None) > 99.9
    assert (RECURRENT.loc["attached"][1.0] > 99.9).all()


def test_cutting_the_raised_threshold_helps_only_with_a_detached_reset_and_not_the_default() -> (
    None
):
    gain = (CUT - ADAPTIVE)[[0.3, 1.0]]
    assert gain.loc["detached"].drop(index=1.0).min(axis=None) > 1
    assert gain.loc[("detached", 1.0), 1.0] > 1 > 0 > gain.loc[("detached", 1.0), 0.3]
    assert gain.loc["attached"][1.0].max() < 0
    assert ADAPTIVE.loc[("detached", 1.0), 0.3] > CUT.max(axis=None)


def test_a_synaptic_current_remembers_without_spikes_and_a_leaky_potential_does_not() -> None:
    assert synaptic == synaptic_frozen > 99
    assert lif < 60
