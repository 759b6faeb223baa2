"""The rules that pages show, in all checks: tests/test_reference.py has the fast ones."""

import pytest
from tests.helpers import Function, each_check, rules_of_pages


@pytest.mark.parametrize("check", each_check(rules_of_pages()))
def test_a_rule_of_a_page_passes(check: Function) -> None:
    check()
