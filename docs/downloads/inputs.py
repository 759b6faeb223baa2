"""What goes into the classifier and its search: a scaler for series, and what is accepted."""

import warnings

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array

# From where to where a parameter may go
LIMITS = {
    **dict.fromkeys(["layers", "neurons", "parts", "batch_size", "steps", "max_steps"], (1, 10**6)),
    **dict.fromkeys(["tau_min", "tau_max", "scale", "peak", "width"], (1e-6, 1e6)),
    **dict.fromkeys(["tau_synapse", "recurrent"], (0.0, 1e6)),
    "updates": (0, 10**9),
    "adaptive": (0.0, 1.0),
    "dropout": (0.0, 0.99),
    "learning_rate": (1e-9, 1.0),
}


class SeriesScaler(StandardScaler):
    """scikit-learn's StandardScaler for each channel of (example, time step, channel).

    Each channel becomes two: one standardized over all examples, and one within each example, so
    that a small series shows its shape, too.

    Examples
    --------
    >>> import numpy as np
    >>> from inputs import SeriesScaler
    >>> X = np.array([[1.0, 3.0], [10.0, 30.0]])[:, :, None]
    >>> SeriesScaler().fit_transform(X).round(1).tolist()
    [[[-0.9, -1.0], [-0.7, 1.0]], [[-0.1, -1.0], [1.7, 1.0]]]
    """

    def fit(self, X, y=None):
        """Find out the mean and the deviation of each channel."""
        X = self._series(X)
        if X.shape[1] < X.shape[2]:
            warnings.warn("X has fewer time steps than channels; if swapped: X.swapaxes(1, 2)")
        return super().fit(X.reshape(-1, X.shape[2]))

    def transform(self, X):
        """Give each channel a mean of 0 and a deviation of 1."""
        X = self._series(X)
        if X.shape[2] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[2]} channels; in fit it had {self.n_features_in_}")
        scaled = super().transform(X.reshape(-1, X.shape[2])).reshape(X.shape)
        own = X - X.mean(axis=1, keepdims=True)
        deviation = own.std(axis=1, keepdims=True)
        return np.concatenate([scaled, own / np.where(deviation > 0, deviation, 1)], axis=2)

    def _series(self, X):
        check_numbers(X)
        # Half as many digits would be lost before the mean is subtracted
        X = check_array(X, dtype=[np.float64, np.float32], allow_nd=True)
        if X.ndim != 3:
            axes = "(example, time step, channel); for one channel: X[:, :, None]"
            raise ValueError(f"X has the shape {X.shape}, not {axes}")
        return X


def check_parameters(model):
    """Refuse what can't be trained with; the message names the parameter."""
    for name, (low, high) in LIMITS.items():
        kind, value = "an integer" if type(low) is int else "a number", getattr(model, name)
        known = int | np.integer if type(low) is int else int | float | np.number | np.ndarray
        if not (isinstance(value, known) and np.all((low <= value) & (value <= high))):
            raise ValueError(f"{name} must be {kind} from {low} to {high}; got {value!r}")
    if not (type(d := model.delays) is tuple and d and all(type(n) is int and n >= 0 for n in d)):
        raise ValueError(f"delays must be a tuple of ints of at least 0; got {d!r}")


def check_numbers(X):
    """Refuse what scikit-learn's checks let pass, or don't explain."""
    try:
        kind = np.asarray(X).dtype.kind
    except ValueError as error:
        raise ValueError("X has series of unequal length: pad or stretch them") from error
    if kind in "mM":
        raise TypeError("X has dates: turn them into numbers, such as days since the first")


def neighbors_are_alike(X):
    """Whether neighboring features correlate: above 0.7 in most signals, below 0.6 in tables."""
    z = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-30)
    return (z[:, 1:] * z[:, :-1]).mean() > 0.7


def warn_of_data(X):
    """Say what is probably wrong with X."""
    if not 0.01 <= (largest := np.abs(X).max()) <= 100:
        warnings.warn(f"the largest number in X is {largest:.0e}: scale X to numbers around 1")
    elif X.ndim == 2 and X.shape[1] >= 20 and neighbors_are_alike(X):
        warnings.warn("neighboring features are alike: if they are time steps, pass X[:, :, None]")


def checked_splits(cv, X, y):
    """The splits, each of which has examples of all classes to learn from."""
    try:
        splits = list(check_cv(cv, y, classifier=True).split(X, y))
    except ValueError as error:
        hint = "join or leave out rare classes, or pass cv=list(GroupKFold(3).split(X, y, groups))"
        raise ValueError(f"{error} To mend it: {hint}") from error
    for number, (learn, _) in enumerate(splits):
        for missing in np.setdiff1d(y, y[learn]):
            hint = "join it to another class, leave it out, or pass other splits as cv"
            raise ValueError(f"split {number} has no class {missing} to learn from: {hint}")
    return splits
