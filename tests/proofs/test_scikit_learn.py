"""The classifier as scikit-learn sees it."""

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from spiking import SpikingClassifier


@pytest.mark.filterwarnings("ignore")  # scikit-learn's checks warn on purpose
@parametrize_with_checks([SpikingClassifier()])  # type: ignore[untyped-decorator]
def test_the_checks_of_scikit_learn_pass(estimator: Any, check: Any) -> None:
    check(estimator)
