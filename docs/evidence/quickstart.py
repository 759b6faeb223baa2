"""At which learning rates Quickstart's neuron learns."""

from evidence.record import Record

QUICKSTART = Record("quickstart")
SOON, LATER = QUICKSTART.means("rate", updates=500), QUICKSTART.means("rate")


def test_it_was_not_luck() -> None:
    assert SOON[0.03] > 95


def test_at_a_rate_of_03_all_neurons_fall_silent() -> None:
    assert QUICKSTART.outcomes(outcome="spikes", rate=0.3, updates=500).item().max() == 0


def test_at_a_rate_of_0003_they_need_more_updates() -> None:
    assert SOON[0.003] < 40 < 80 < LATER[0.003] < SOON[0.03]
