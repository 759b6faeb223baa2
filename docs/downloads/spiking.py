"""A spiking network in plain functions: copy and change them.

Inputs and spikes have the shape (time step, example, channel or neuron). Weights are dictionaries
of arrays. Delays and time constants are in time steps. ``rng`` is ``np.random.default_rng(0)``, or
another generator of NumPy.
"""

from functools import partial
from warnings import warn

import jax
import jax.numpy as jnp
import numpy as np
import optax
from optax import softmax_cross_entropy_with_integer_labels as cross_entropy
from relugrad import ReluGrad

DELAYS = (0, 1, 3, 9)


def decays(raw, shortest=2.0, longest=100.0):
    """Return decays whose time constants lie between these two.

    ``raw`` may hold any numbers: a sigmoid keeps them within the bounds.
    """
    way = jax.nn.sigmoid(raw)  # from the shortest to the longest, 0 to 1
    return jnp.exp(-1 / (shortest * (longest / shortest) ** way))


def with_past(inputs, delays):
    """Return the inputs of all delays side by side.

    The shape is (time step, ..., delay and channel).
    """
    empty = np.zeros((), inputs.dtype)  # spikes may be booleans
    past = []
    for delay in delays:
        later = jnp.roll(inputs, delay, axis=0)
        past.append(later.at[:delay].set(empty))
    return jnp.concatenate(past, axis=-1)


def adlif(spike, currents, decay=0.9, slow=0.97, by_v=0.03, by_s=0.1):
    """Return the spikes of neurons that adapt to potential and spikes.

    Spikes have the shape of the currents, whose first axis is time. The other
    four arguments are numbers, or arrays with a number for each neuron.
    Gradients flow through the reset.
    """

    def step(state, current):
        v, a = state  # the membrane potential, and the adaptation
        v = decay * v + current - a
        s = spike(v - 1.0)
        v = v - s
        a = slow * a + by_v * v + by_s * s
        return (v, a), s

    zeros = jnp.zeros_like(decay * currents[0])
    return jax.lax.scan(step, (zeros, zeros), currents)[1]


def layer(w, inputs, spike, delays, longest=100.0):
    """Return the spikes of a layer: (time step, example, neuron).

    No time constant exceeds ``longest``. To change it, pass
    ``partial(layer, longest=400.0)`` to the network.
    """
    decay = decays(w["decay"], longest=longest)
    slow = decays(w["slow"], shortest=5.0, longest=longest)
    # Fast and slow neurons reach similar potentials
    scale = 10 * (1 - decay)
    # Below -0.1 or above 4, potentials would diverge
    by_v = scale * (1 - slow) * jnp.clip(w["by_v"], 0.0, 2.0)
    # If negative, a spike excites its own neuron
    by_s = scale * jnp.clip(w["by_s"], -1.0, 1.0)
    currents = with_past(inputs, delays) @ (scale * w["in"])
    return adlif(spike, currents, decay, slow, by_v, by_s)


def mean_over_time(spikes):
    """Return each neuron's share of time steps with a spike: (example, neuron)."""
    return spikes.mean(axis=0)


# Compiles a function once for each shape of its arrays, and for each value of these arguments
compiled = partial(jax.jit, static_argnames=["delays", "layer", "readout"])


@compiled
def network(
    weights,
    inputs,
    spike=ReluGrad(),
    delays=DELAYS,
    layer=layer,
    readout=mean_over_time,
):
    """Return scores, (example, class), and a list of each layer's spikes.

    ``readout`` turns the spikes of the last layer into a number for each
    example and neuron.
    """
    spikes = []
    for w in weights["hidden"]:
        inputs = layer(w, inputs, spike, delays)
        spikes.append(inputs)
    # Over the neurons of an example
    activity = jax.nn.standardize(readout(inputs), epsilon=1e-3)
    return activity @ weights["out"] + weights["bias"], spikes


def draw_layer(rng, inputs, neurons):
    """Draw the weights of a layer: for each neuron, those of its inputs, and its own dynamics."""
    return {
        "in": rng.normal(size=(inputs, neurons)) / inputs**0.5,
        "decay": rng.logistic(size=neurons),  # of which a sigmoid is uniform
        "slow": rng.logistic(size=neurons),
        "by_v": rng.uniform(0, 1.0, neurons),
        "by_s": rng.uniform(0, 0.2, neurons),
    }


def draw(rng, inputs, sizes, counts, draw_layer=draw_layer, **settings):
    """Draw weights with which neurons spike in about 5% of the time steps, and the network guesses.

    ``inputs`` are those to train on, ``sizes`` has the number of neurons in each layer, and
    ``counts`` the number of examples in each class. Settings are the network's. Warns if neurons
    stay silent.
    """
    copies = len(settings.get("delays", DELAYS))  # of each input, one for each delay
    sizes = np.array([inputs.shape[2], *np.ravel(sizes)])
    pairs = zip(copies * sizes[:-1], sizes[1:], strict=True)
    hidden = [draw_layer(rng, *pair) for pair in pairs]
    weights = {"hidden": hidden, "out": np.zeros((sizes[-1], len(counts))), "bias": np.log(counts)}

    sample = inputs[:, rng.choice(inputs.shape[1], 200)]
    for _ in range(10):  # the rarer a neuron's spikes, the larger the weights of its inputs
        _, spikes = network(weights, sample, **settings)
        for w, s in zip(hidden, spikes, strict=True):
            frequency = np.mean(s, axis=(0, 1))
            w["in"] = w["in"] * np.sqrt(np.clip(0.05 / (frequency + 1e-9), 0.25, 4))
    warn_of_silence(network(weights, sample, **settings)[1])
    return weights


def warn_of_silence(spikes):
    """Warn if more than 5% of the neurons of a layer never spike."""
    for number, s in enumerate(spikes, 1):
        silent = np.mean(np.max(s, axis=(0, 1)) == 0)
        if silent > 0.05:
            message = f"{silent:.0%} of the neurons in layer {number} never spike"
            warn(f"{message}: standardize each channel, unless it is spikes", stacklevel=3)


def loss(weights, inputs, labels, **settings):
    """Return the mean cross-entropy. Settings are those of ``network``, such as ``delays``."""
    return cross_entropy(network(weights, inputs, **settings)[0], labels).mean()


@compiled
def update(weights, moments, rate, inputs, labels, **settings):
    """Return the weights and moments after an update by Adam, and the loss before it."""
    value, gradient = jax.value_and_grad(loss)(weights, inputs, labels, **settings)
    change, moments = optax.adam(rate).update(gradient, moments, weights)
    return optax.apply_updates(weights, change), moments, value


def train(rng, weights, inputs, labels, updates=350, batch=50, rate=0.01, p=None, **settings):
    """Yield, after each update, the weights and the loss of its batch.

    The learning rate rises to ``rate`` for a fifth of the updates, then falls to 0. ``p`` holds the
    probability with which each example is drawn: the same for all by default.
    """
    moments = optax.adam(rate).init(weights)
    for now in np.interp(range(updates), [-1, updates / 5, updates], [0, rate, 0]):
        i = rng.choice(len(labels), batch, p=p)
        weights, moments, value = update(weights, moments, now, inputs[:, i], labels[i], **settings)
        yield weights, value


def scores_of(weights, inputs, **settings):
    """Return the scores of any number of examples, computed 200 at a time."""
    n = inputs.shape[1]
    parts = []
    for start in range(0, n, 200):
        part = np.arange(start, start + 200) % n  # always 200, so that nothing compiles again
        parts.append(network(weights, inputs[:, part], **settings)[0])
    return np.concatenate(parts)[:n]


def losses_of(weights, inputs, labels, **settings):
    """Return the cross-entropy of each example."""
    return np.asarray(cross_entropy(scores_of(weights, inputs, **settings), labels))


def hold_out(rng, labels, share):
    """Return the places of examples to hold out, this share of each class, and of all others."""
    shuffled = rng.permutation(len(labels))
    held = []
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        held.extend(members[: int(share * len(members))])
    return np.array(held, int), shuffled[~np.isin(shuffled, held)]


def fit(
    rng,
    inputs,
    labels,
    *,
    sizes=(64, 64),
    updates=350,
    batch=50,
    rate=0.01,
    held_out=0.25,
    balanced=False,
    weights=None,
    draw_layer=draw_layer,
    **settings,
):
    """Draw a network, train it, and return the weights that do best on examples held out.

    Parameters
    ----------
    rng :
        A generator of NumPy, such as ``np.random.default_rng(0)``. The same machine and version of
        JAX always compute the same weights from the same seed.
    inputs :
        Numbers or spikes, (time step, example, channel).
    labels :
        The class of each example, an integer that begins at 0.
    sizes :
        The number of neurons in each layer.
    updates :
        The number of updates of the weights.
    batch :
        The number of examples that are drawn for each update, with replacement.
    rate :
        The largest learning rate of Adam. The rate rises to it for a fifth of the updates, and then
        falls to 0.
    held_out :
        The share of each class that is held out of training, at random, but at most 200 examples in
        all. The loss on these examples is computed up to 20 times during training, and the weights
        for which it is smallest are returned. With 0, all examples are trained on, and the weights
        are chosen by these.
    balanced :
        Whether all classes are drawn equally often, and count alike in the loss that chooses.
    weights :
        Weights to go on from; by default, new ones are drawn.
    draw_layer :
        What draws the weights of a layer.
    **settings :
        What else ``network`` takes: ``spike``, ``delays``, ``layer`` or ``readout``.

    Returns
    -------
    dict
        The weights. ``scores_of(weights, inputs, **settings).argmax(axis=1)`` are the most probable
        classes.

    Raises
    ------
    ValueError
        If inputs aren't (time step, example, channel) or hold NaN or infinity, or if a class below
        the last one has no examples.

    Warns
    -----
    UserWarning
        If nothing was found: on the examples held out, the network does no better than guessing by
        how frequent the classes are. If training is interrupted from the keyboard: the best
        weights so far are returned. If neurons stay silent when weights are drawn.

    Examples
    --------
    Which of two channels spikes first?

    >>> import numpy as np
    >>> from spiking import fit, scores_of
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(2, size=300)
    >>> later = 5 * np.stack([labels, 1 - labels], axis=1)
    >>> times = rng.integers(5, 15, size=(300, 1)) + later
    >>> inputs = np.arange(30)[:, None, None] == times
    >>> weights = fit(rng, inputs[:, :200], labels[:200], updates=100)
    >>> predicted = scores_of(weights, inputs[:, 200:]).argmax(axis=1)
    >>> bool(np.mean(predicted == labels[200:]) > 0.9)
    True
    """
    inputs, labels = np.asarray(inputs), np.asarray(labels).astype(int, casting="same_kind")
    if inputs.ndim != 3 or inputs.shape[1] != len(labels):
        shape = f"(time step, example, channel) with {len(labels)} examples"
        raise ValueError(f"inputs have the shape {inputs.shape} and should be {shape}")
    if not np.isfinite(inputs).all():
        raise ValueError("inputs hold NaN or infinity")
    examples = np.bincount(labels)  # of each class
    if 0 in examples:
        raise ValueError(f"no example has the label {examples.argmin()}")

    importance = examples.mean() / examples if balanced else np.ones(len(examples))
    counts = importance * examples
    held, kept = hold_out(rng, labels, min(held_out, 200 / len(labels)))
    if weights is None:
        weights = draw(rng, inputs[:, kept], sizes, counts, draw_layer, **settings)
    p = importance[labels[kept]] / importance[labels[kept]].sum()
    course = train(rng, weights, inputs[:, kept], labels[kept], updates, batch, rate, p, **settings)

    judges = held if len(held) else kept[:200]  # the examples by which weights are chosen
    judging, answers = inputs[:, judges], labels[judges]
    guessed = -np.log(counts / counts.sum())[answers] * importance[answers]

    def judged(weights):
        return losses_of(weights, judging, answers, **settings) * importance[answers]

    best, best_losses, done = weights, judged(weights), 0
    looks = np.linspace(updates, 0, 20, endpoint=False, dtype=int)
    try:
        for done, (weights, _) in enumerate(course, 1):
            if done in looks:
                losses = judged(weights)
                if losses.mean() < best_losses.mean():
                    best, best_losses = weights, losses
    except KeyboardInterrupt:
        warn(f"Interrupted after {done} updates: these weights are the best so far", stacklevel=2)
        return jax.device_get(best)

    gain = guessed - best_losses
    if not gain.mean() > gain.std() / len(gain) ** 0.5 + 1e-6:  # its standard error
        _, spikes = network(weights, judging, **settings)
        often = ", ".join(f"{np.mean(s):.1%}" for s in spikes)  # in each layer
        message = f"Neurons spike in {often} of the time steps"
        warn(f"Nothing was found: guessing is as good. {message}", stacklevel=2)
    return jax.device_get(best)


def shorten(inputs, steps=100):
    """Return series of at most ``steps`` time steps, whose neighboring time steps became channels.

    The channels of earlier time steps come first. Where needed, zeros are put before the start.
    Delays and time constants then count the longer steps.
    """
    length, examples, channels = np.shape(inputs)
    together = -(-length // steps)  # rounded up
    padded = np.pad(inputs, [(-length % together, 0), (0, 0), (0, 0)])
    groups = padded.reshape(-1, together, examples, channels).swapaxes(1, 2)
    return groups.reshape(len(groups), examples, together * channels)
