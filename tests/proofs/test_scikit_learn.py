"""The classifier as scikit-learn sees it, and beside the models of its page."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

import spiking
from spiking import SpikingClassifier
from tune import Frozen, controls, report, search

X, Y = make_classification(120, 10, class_sep=2.0, weights=[0.7], random_state=0)


@pytest.mark.filterwarnings("ignore")  # scikit-learn's checks warn on purpose
@parametrize_with_checks([SpikingClassifier()])  # type: ignore[untyped-decorator]
def test_the_checks_of_scikit_learn_pass(estimator: Any, check: Any) -> None:
    check(estimator)


def test_a_frozen_network_stays_as_it_was_initialized() -> None:
    frozen = Frozen(SpikingClassifier()).fit(X, Y)
    again = Frozen(SpikingClassifier(learning_rate=1.0)).fit(X, 1 - Y)
    assert frozen.network_.loss_curve_ == []
    assert (frozen.transform(X) == again.transform(X)).all()


def test_what_was_found_is_compared() -> None:
    learn, test = slice(80), slice(80, None)
    grid = {"decay": [0.5, 0.9], "learning_rate": [0.03]}
    found = search(SpikingClassifier(), X[learn], Y[learn], grid)
    models = {"network": found} | controls(found, X[learn], Y[learn])
    table = report(models, X[test], Y[test])
    assert table["accuracy"]["network"] == np.mean(found.predict(X[test]) == Y[test]) > 0.8
    assert table["balanced accuracy"]["largest class"] == 0.5
    with pytest.warns(DataConversionWarning):
        column = report({"network": found}, X[test], Y[test][:, None])
    assert column["accuracy"]["network"] == table["accuracy"]["network"]


def test_what_was_fitted_is_loaded_by_a_new_process(tmp_path: Path) -> None:
    fitted = SpikingClassifier(updates=1).fit(X, Y)
    joblib.dump((fitted, X), tmp_path / "fitted")
    code = "import joblib; fitted, x = joblib.load('fitted'); print(*fitted.predict(x))"
    place = os.environ | {"PYTHONPATH": str(Path(spiking.__file__).parent)}
    printed = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, env=place)
    assert printed.decode().split() == [*map(str, fitted.predict(X))]
