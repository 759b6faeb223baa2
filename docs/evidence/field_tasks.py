"""The sheet of start values on the field's own tasks."""

import numpy as np
import pandas as pd

from evidence.results import Results, error

SHORT, LONG = Results("field_tasks"), Results("field_tasks_longer")
seeds, longer_seeds = SHORT.seeds, LONG.seeds
NAMES = {"Yin-Yang": "Yin-Yang", "MNIST-1D": "MNIST-1D", "BasicMotions": "Motions"}
NAMES |= {"Randman, 1-D": "Rand- man"}
MAIN, SIGNALS = list(NAMES), ["MNIST-1D", "BasicMotions"]
RATES = SHORT.means("task", "rate", changed="nothing", optimizer="Adam").unstack()
BEST = SHORT.means("task", "changed", optimizer="Adam").unstack()
LONGER = LONG.means("task", "changed", "updates").unstack(["changed", "updates"])
LATE_RATES = LONG.means("task", "rate", changed="nothing").unstack()
SGD = SHORT.means("task", changed="nothing", optimizer="SGD")
# The best that papers report
PUBLISHED = {"Yin-Yang": "99", "MNIST-1D": "94", "BasicMotions": "100"}
# What a line adds, for each seed, at the better of two rates.
OF_LINES = SHORT.outcomes("task", "changed", optimizer="Adam", rate=[0.01, 0.03])
SHEET = OF_LINES.xs("nothing", level="changed")
ADDED = OF_LINES - SHEET.reindex(OF_LINES.index, level="task")
GAINS, ERRORS = ADDED.map(np.mean).unstack(), ADDED.map(error).unstack()
SILENT = SHORT.outcomes("task", "changed", outcome="silent", optimizer="Adam", rate=[0.01, 0.03])
# With the sheet as it is
AS_IT_IS = LONG.means("task", "updates", changed="nothing", rate=0.01).unstack()
MORE = AS_IT_IS[5000] - RATES.loc[MAIN, 0.01]
MORE_OF_THREE = MORE.drop("BasicMotions")
least, most = round(MORE_OF_THREE.min()), round(MORE_OF_THREE.max())
not_mirrored = -round(GAINS.loc["Yin-Yang", "not mirrored"])
bias_instead = -round(GAINS.loc["Yin-Yang", "not mirrored, bias"])
batch_least, batch_most = round(GAINS["batch of 100"].min()), round(GAINS["batch of 100"].max())
recurrence = -round(GAINS.loc["MNIST-1D", "not recurrent"])
large = round(GAINS.loc["Randman, 1-D", "2 layers of 128"])
LINES = [line for line in OF_LINES.index.unique("changed") if line not in ("nothing", "linear")]


def rounded(columns: dict[str, pd.Series]) -> pd.DataFrame:
    """A table by task."""
    return percent(pd.DataFrame(columns).loc[SHORT.table["task"].unique()])


def percent(table: pd.DataFrame) -> pd.DataFrame:
    """Nothing where there is no number."""
    return table.map(lambda number: "" if np.isnan(number) else f"{number:.0f}")


def table_of_tasks() -> pd.DataFrame:
    """Accuracies in percent: the sheet, another rate, longer training, and more neurons."""
    columns = {"sheet": RATES[0.01], "best rate": BEST["nothing"]}
    columns |= {"2 x": AS_IT_IS[1000], "10 x": AS_IT_IS[5000]}
    columns["10 x, best rate"] = LONGER["nothing", 5000]
    columns["10 x, 128"] = LONGER["2 layers of 128", 5000]
    return rounded(columns)


def table_of_controls() -> pd.DataFrame:
    """Accuracies in percent of what has no trained hidden layer, and what others reached."""
    columns: dict[str, pd.Series] = {}
    for control in ("frozen", "linear"):
        columns |= {control: BEST[control], f"{control}, 10 x": LONGER[control, 5000]}
    table = rounded(columns)
    table = table[table.ne("").any(axis=1)]
    return table.assign(published=table.index.map(PUBLISHED).fillna(""))


def table_of_rates() -> pd.DataFrame:
    """Accuracies in percent by task, updates and learning rate of Adam."""
    both = pd.concat({"500": RATES, "5,000": LATE_RATES}, names=["updates", "task"]).swaplevel()
    rows = [(task, updates) for task in MAIN for updates in ("500", "5,000")]
    return percent(both.loc[rows]).rename(columns="{:g}".format)


def table_of_lines() -> pd.DataFrame:
    """The points that a change of a line adds; a star: by more than two standard errors."""
    gains, errors = GAINS.loc[MAIN, LINES], ERRORS.loc[MAIN, LINES]
    clear = (gains.abs() > 2 * errors).map({True: "*", False: ""}.get)
    shown = gains.map("{:+.0f}".format).where(gains.notna(), "") + clear
    return shown.T.rename(columns=NAMES).rename_axis(None, axis=1)


def test_the_sheet_is_ahead_of_its_frozen_control_but_on_basicmotions() -> None:
    scaled = [*MAIN, "Randman, 2-D", "wine", "breast cancer"]
    ahead = (BEST["nothing"] - BEST["frozen"])[scaled]
    assert ahead.drop("BasicMotions").min() > 7
    two = BEST.filter(like="2 features", axis=0)
    assert (two["nothing"] - two["frozen"]).abs().max() < 4
    late = LONGER["nothing", 5000] - LONGER["frozen", 5000]
    assert late.drop("BasicMotions").min() > 15
    assert max(abs(ahead["BasicMotions"]), abs(late["BasicMotions"])) < 2


def test_longer_training_adds_much_and_on_three_tasks_more_than_another_rate() -> None:
    assert MORE_OF_THREE.min() > 9
    others = (BEST["nothing"] - RATES[0.01])[MAIN]
    assert (MORE - others).drop("BasicMotions").min() > 2
    assert abs(MORE - others)["BasicMotions"] < 3


def test_adam_is_better_than_sgd() -> None:
    ahead = BEST.loc[MAIN, "nothing"] - SGD[MAIN]
    assert ahead.drop("BasicMotions").min() > 3
    assert 0 < ahead["BasicMotions"] < 4
    assert ahead[["Yin-Yang", "Randman, 1-D"]].min() > 7


def test_without_scaled_features_a_frozen_network_does_better_than_a_trained_one() -> None:
    for name in ("wine", "breast cancer"):
        scaled, not_scaled = BEST.loc[name], BEST.loc[f"{name}, unscaled"]
        assert scaled["nothing"] > max(scaled["frozen"] + 7, not_scaled["nothing"] + 30)
        assert not_scaled["frozen"] > not_scaled["nothing"] + 10
        assert abs(scaled["linear"] - scaled["nothing"]) < 2
    assert BEST.loc["Randman, 2-D", "linear"] > BEST.loc["Randman, 2-D", "nothing"] + 1


def test_a_signal_needs_a_mean_of_0_more_than_scaled_channels() -> None:
    assert BEST.loc["MNIST-1D, shifted", "nothing"] < 12
    assert BEST.loc["BasicMotions, unscaled", "nothing"] > 96


def test_mirror_images_help_on_one_of_three_tasks_with_two_features() -> None:
    gains, twice = GAINS["not mirrored"].dropna(), 2 * ERRORS["not mirrored"]
    assert gains["Yin-Yang"] < -8
    assert (gains.abs() - twice[gains.index]).drop("Yin-Yang").max() < 0


def test_first_weights_should_not_be_much_smaller_or_larger() -> None:
    smaller, larger = GAINS["first weights / 4"], GAINS["first weights x 4"]
    assert smaller[["Yin-Yang", "Randman, 1-D"]].max() < -10
    assert larger["Randman, 1-D"] < -10
    assert larger.drop("Randman, 1-D").abs().max() < 3


def test_a_second_layer_helps_and_so_do_more_neurons_on_randman() -> None:
    single, large = GAINS["1 layer"], GAINS["2 layers of 128"]
    assert single[["Yin-Yang", "Randman, 1-D"]].max() < -8
    assert single[SIGNALS].abs().max() < 4
    assert large["Randman, 1-D"] > 15
    assert large[["Yin-Yang", "MNIST-1D"]].min() > 0


def test_recurrent_weights_help_mnist_1d_and_do_harm_to_features_and_spikes() -> None:
    assert GAINS.loc["MNIST-1D", "not recurrent"] < -6
    assert GAINS.loc["BasicMotions", "not recurrent"] > 0
    assert GAINS.loc[["Yin-Yang", "Randman, 1-D"], "recurrent"].max() < -4
    through = GAINS["recurrent, through a synapse"]
    assert GAINS.loc["Yin-Yang", "recurrent"] + 2 < through["Yin-Yang"]
    assert GAINS.loc["Randman, 1-D", "recurrent"] + 10 < through["Randman, 1-D"] < -20


def test_a_detached_reset_is_never_better_and_worse_on_two_tasks() -> None:
    gain, twice = GAINS["detached reset"], 2 * ERRORS["detached reset"]
    assert gain.max() < 1
    assert (gain + twice)[["BasicMotions", "Randman, 1-D"]].max() < 0


def test_peak_width_and_shape_matter_little_but_a_peak_of_3_does_harm() -> None:
    near = GAINS.loc[MAIN, ["peak 1", "width 0.5", "width 2", "arctan", "Gaussian", "rectangle"]]
    assert near.abs().max(axis=None) < 5
    assert GAINS["peak 3"].max() < -5
    detached = GAINS["peak 3, detached reset"] - GAINS["detached reset"]
    assert detached[["Yin-Yang", "Randman, 1-D"]].min() > 0
    assert detached["MNIST-1D"] < -20


def test_half_of_a_layer_may_be_silent_and_three_quarters_are_too_many() -> None:
    first = SILENT.xs("nothing", level="changed").map(np.mean)
    assert first[["Yin-Yang", "wine", "breast cancer"]].between(40, 60).all()
    for row in SHORT.rows(hidden="trained", layers=[1, 2]).itertuples():
        if np.mean(row.silent) > 75:
            assert row.test.mean() < BEST.loc[row.task.split(",")[0], "nothing"] - 8
