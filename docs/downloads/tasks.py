"""Tasks that require memory, for trying networks: inputs, (time step, example, channel), and labels.

``rng`` is ``np.random.default_rng(0)``, or another generator of NumPy, and ``n`` the number of
examples.
"""

import numpy as np


def match(rng, n, pause=0):
    """Delayed match to sample: is the last of five pulses on the same channel as the first?

    The pulses come at different times in each trial. A fifth channel marks the sample and the
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
    """2-back: is the last of eight symbols the same as two before? Each is a pulse on a channel."""
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
    """Lag patterns: by how many time steps do spikes of channel 1 follow those of channel 0?

    The lag is 3, 6, 9 or 12. All six channels have spikes at random, too.
    """
    labels = rng.integers(4, size=n)
    spikes = rng.random((80, n, 6)) < 0.03
    source = rng.random((80, n)) < 0.06
    spikes[:, :, 0] |= source
    for label in range(4):
        lag, chosen = 3 * (label + 1), labels == label
        spikes[lag:, chosen, 1] |= source[:-lag, chosen]
    return spikes.astype(np.float32), labels
