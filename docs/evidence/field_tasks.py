"""The sheet of start values on the field's own tasks."""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd

from evidence.record import Record, ends, error

SHORT, LONG = Record("field_tasks"), Record("field_tasks_longer")
seeds, longer_seeds = SHORT.seeds, LONG.seeds
BEST = SHORT.means("task", "changed").unstack()
LONGER = LONG.means("task", "changed", "updates").unstack(["changed", "updates"])
NAMES = {"Yin-Yang": "Yin-Yang", "MNIST-1D": "MNIST-1D", "BasicMotions": "Motions"}
NAMES |= {"Randman, 1-D": "Rand- man"}
MAIN, SIGNALS = list(NAMES), ["MNIST-1D", "BasicMotions"]
RATES = SHORT.means("task", "rate", changed="nothing", optimizer="Adam").unstack()
SGD = SHORT.means("task", changed="nothing", optimizer="SGD")
# What a line adds, for each seed, at the better of two rates.
OF_LINES = SHORT.outcomes("task", "changed", optimizer="Adam", rate=[0.01, 0.03])
SHEET = OF_LINES.xs("nothing", level="changed")
ADDED = OF_LINES - SHEET.reindex(OF_LINES.index, level="task")
GAINS, ERRORS = ADDED.map(np.mean).unstack(), ADDED.map(error).unstack()
SILENT = SHORT.outcomes("task", "changed", outcome="silent", optimizer="Adam", rate=[0.01, 0.03])
more = (LONGER["nothing", 5000] - BEST["nothing"]).dropna()
least, most = ends(more)
YIN_YANG = GAINS.loc["Yin-Yang"]
not_mirrored, bias_instead = (-YIN_YANG[["not mirrored", "not mirrored, bias"]]).map(round)
batch_yin_yang, batch_mnist = GAINS.loc[["Yin-Yang", "MNIST-1D"], "batch of 100"].map(round)
# The lines of the sheet that are changed, in the order of their file, and shapes.
FILE = Path(__file__).parents[1] / "experiments/lines.toml"
PARTS = [part for part in tomllib.loads(FILE.read_text("utf-8")).values() if isinstance(part, dict)]
ORDER = dict.fromkeys([line for part in PARTS for line in part] + list(GAINS))
LINES = [line for line in ORDER if line in GAINS and line not in ("nothing", "frozen", "linear")]


def table_of_tasks() -> pd.DataFrame:
    """Accuracies in percent: the sheet, longer training, more neurons, and controls."""
    columns = {
        "sheet": BEST["nothing"],
        "2 x": LONGER["nothing", 1000],
        "10 x": LONGER["nothing", 5000],
        "10 x, 128": LONGER["1 layer of 128", 5000],
        "frozen": BEST["frozen"],
        "linear": BEST["linear"],
    }
    table = pd.DataFrame(columns).loc[SHORT.table["task"].unique()]
    return table.map(lambda of: "" if np.isnan(of) else f"{of:.0f}")


def table_of_rates() -> pd.DataFrame:
    """Accuracies in percent by task and learning rate of Adam."""
    return RATES.loc[MAIN].round().astype(int).rename(columns="{:g}".format)


def table_of_lines() -> pd.DataFrame:
    """The points that a change of a line adds; a star: by more than two standard errors."""
    clear = (GAINS.abs() > 2 * ERRORS).map({True: "*", False: ""}.get)
    shown = GAINS.map("{:+.0f}".format).where(GAINS.notna(), "") + clear
    return shown.loc[MAIN, LINES].T.rename(columns=NAMES).rename_axis(None, axis=1)


def test_the_sheet_is_far_ahead_of_its_frozen_control_but_on_signals() -> None:
    ahead = BEST["nothing"] - BEST["frozen"]
    assert ahead[["Yin-Yang", "Randman, 1-D", "Randman, 2-D"]].min() > 10
    assert ahead[SIGNALS].abs().max() < 2


def test_500_updates_are_too_few() -> None:
    assert more.min() > 4
    assert more["MNIST-1D"] > 15


def test_one_of_both_rates_is_at_most_six_points_from_the_best() -> None:
    rates = RATES.loc[MAIN]
    assert (rates[[0.01, 0.03]].max(axis=1) - rates.max(axis=1)).min() > -6


def test_the_lower_rate_is_for_long_training_and_the_higher_one_for_short() -> None:
    late = LONG.means("task", "rate", changed="nothing").unstack().loc[["Yin-Yang", "MNIST-1D"]]
    assert (late[0.003] > late[0.03] + 2).all()
    early = RATES.loc[["Yin-Yang", "MNIST-1D", "Randman, 1-D"]]
    assert (early[0.03] > early[0.003] + 2).all()


def test_adam_is_better_than_sgd_and_as_good_on_signals() -> None:
    ahead = BEST.loc[MAIN, "nothing"] - SGD[MAIN]
    assert ahead.drop(SIGNALS).min() > 5
    assert ahead[SIGNALS].abs().max() < 2


def test_without_scaled_features_a_frozen_network_does_better_than_a_trained_one() -> None:
    for name in ("wine", "breast cancer"):
        scaled, not_scaled = BEST.loc[name], BEST.loc[f"{name}, unscaled"]
        assert scaled["nothing"] > max(scaled["frozen"] + 8, not_scaled["nothing"] + 30)
        assert not_scaled["frozen"] > not_scaled["nothing"] + 10


def test_the_number_of_time_steps_matters_little() -> None:
    assert GAINS[["10 time steps", "40 time steps"]].abs().max(axis=None) < 3


def test_first_weights_should_not_be_much_smaller_or_larger() -> None:
    smaller, larger = GAINS["first weights / 4"], GAINS["first weights x 4"]
    assert smaller[["Yin-Yang", "Randman, 1-D"]].max() < -10
    assert larger["Randman, 1-D"] < -10
    assert larger.drop("Randman, 1-D").abs().max() < 3


def test_a_second_layer_helps_and_so_do_more_neurons_on_two_tasks() -> None:
    one, large = GAINS["1 layer"], GAINS["1 layer of 128"]
    assert one[["Yin-Yang", "Randman, 1-D"]].max() < -8
    assert one[SIGNALS].abs().max() < 3
    assert large["Randman, 1-D"] > 2 * ERRORS.loc["Randman, 1-D", "1 layer of 128"]
    later = LONG.outcomes("changed", task="MNIST-1D", updates=1000)
    added = later["1 layer of 128"] - later["nothing"]
    assert added.mean() > 2 * error(added)


def test_a_synapse_helps_spikes_alone() -> None:
    assert GAINS["no synapse"].max() < -5
    assert GAINS["synapse"].max() < 1


def test_recurrent_weights_make_no_difference_to_signals_and_do_harm_elsewhere() -> None:
    assert GAINS.loc[SIGNALS, "not recurrent"].abs().max() < 1
    assert GAINS["recurrent"].max() < -4
    assert GAINS.loc["Yin-Yang", "recurrent, through a synapse"] > -2
    through = GAINS.loc["Randman, 1-D", "recurrent, through a synapse"]
    assert GAINS.loc["Randman, 1-D", "recurrent"] + 10 < through < -20


def test_biases_do_not_help() -> None:
    assert GAINS.loc[["Yin-Yang", "Randman, 1-D"], "bias"].max() < -2
    assert (GAINS["bias"] - 2 * ERRORS["bias"]).max() < 1


def test_a_detached_reset_is_never_better_and_worse_on_randman() -> None:
    gain, twice = GAINS["detached reset"], 2 * ERRORS["detached reset"]
    assert gain.max() < 1
    assert gain.min() > -5
    assert (gain + twice)["Randman, 1-D"] < -1


def test_peak_width_and_shape_matter_little_but_a_peak_of_3_does_harm() -> None:
    near = GAINS.loc[MAIN, ["peak 1", "width 0.5", "width 2", "arctan", "Gaussian", "rectangle"]]
    assert near.abs().max(axis=None) < 4
    assert GAINS["peak 3"].max() < -4


def test_reading_out_late_is_no_better() -> None:
    assert GAINS["read out late"].max() < 0


def test_larger_batches_learn_more_in_each_update() -> None:
    assert GAINS["batch of 100"].dropna().min() > 3


def test_half_of_a_layer_may_be_silent() -> None:
    silent = SILENT["Yin-Yang", "nothing"].mean(axis=0) / 100
    assert 0.4 < silent[0] < 0.6
