"""Tasks that require memory: inputs, (time step, example, channel), and the labels of examples.

``rng`` is ``np.random.default_rng(0)``, or another generator of NumPy, and ``n`` the number of
examples.
"""

import numpy as np


def match(rng, n, pause=0):
    """Return trials of delayed match to sample, and whether sample and probe match.

    Of five pulses, the first is the sample, and the last the probe, which matches if it is on the
    same channel. The pulses come at different times in each trial. A fifth channel marks the sample and the
    probe. ``pause`` is added before the probe.
    """
    sample, *distractors = rng.integers(4, size=(4, n))
    same = rng.integers(2, size=n)
    probe = np.where(same, sample, (sample + rng.integers(1, 4, size=n)) % 4)
    begins = 2 + np.cumsum(rng.integers(8, 16, size=(5, n)), axis=0) - 8
    begins[4] += pause

    trials = rng.normal(0, 0.1, size=(80 + pause, n, 5)).astype(np.float32)
    trial = np.arange(n)
    for begin, channel in zip(begins, [sample, *distractors, probe], strict=True):
        for step in range(5):
            trials[begin + step, trial, channel] += 1
            if channel is sample or channel is probe:
                trials[begin + step, trial, 4] += 1
    return trials, same


def two_back(rng, n):
    """Return eight symbols, each a pulse on a channel, and whether the last repeats the sixth."""
    symbols = rng.integers(4, size=(8, n))
    same = rng.integers(2, size=n)
    others = (symbols[-3] + rng.integers(1, 4, size=n)) % 4
    symbols[-1] = np.where(same, symbols[-3], others)

    inputs = rng.normal(0, 0.1, size=(64, n, 4)).astype(np.float32)
    for place, channel in enumerate(symbols):
        for step in range(4):
            inputs[8 * place + 2 + step, np.arange(n), channel] += 1
    return inputs, same


def lags(rng, n):
    """Return spikes of six channels, and by how much channel 1 lags behind channel 0.

    Labels 0 to 3 stand for a lag of 3, 6, 9 or 12 time steps. All channels also spike at random.
    """
    labels = rng.integers(4, size=n)
    spikes = rng.random((80, n, 6)) < 0.03
    source = rng.random((80, n)) < 0.06
    spikes[:, :, 0] |= source
    for label in range(4):
        lag, chosen = 3 * (label + 1), labels == label
        spikes[lag:, chosen, 1] |= source[:-lag, chosen]
    return spikes.astype(np.float32), labels
