"""The classifier as scikit-learn sees it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.datasets import make_classification
from sklearn.utils.estimator_checks import parametrize_with_checks

import spiking
from spiking import SpikingClassifier

X, Y = make_classification(120, 10, class_sep=2.0, weights=[0.7], random_state=0)


@pytest.mark.filterwarnings("ignore")  # scikit-learn's checks warn on purpose
@parametrize_with_checks([SpikingClassifier()])  # type: ignore[untyped-decorator]
def test_the_checks_of_scikit_learn_pass(estimator: Any, check: Any) -> None:
    check(estimator)


def test_what_was_fitted_is_loaded_by_a_new_process(tmp_path: Path) -> None:
    fitted = SpikingClassifier(updates=1).fit(X, Y)
    joblib.dump((fitted, X), tmp_path / "fitted")
    code = "import joblib; fitted, x = joblib.load('fitted'); print(*fitted.predict(x))"
    place = os.environ | {"PYTHONPATH": str(Path(spiking.__file__).parent)}
    printed = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, env=place)
    assert printed.decode().split() == [*map(str, fitted.predict(X))]
