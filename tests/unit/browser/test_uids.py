"""User ids lent to browsers."""

import os
import subprocess

import pytest

from noctule.browser import uids
from noctule.browser.uids import NoUserId, UidPool

BASE = 63100

pytestmark = pytest.mark.skipif(uids.hindrance(BASE) is not None, reason="needs a root that may change users")


def test_two_pools_on_one_machine_never_lend_the_same_uid() -> None:
    ours, theirs = UidPool(BASE), UidPool(BASE)
    try:
        lent = [ours.take(), theirs.take(), ours.take(), theirs.take()]
        assert len(set(lent)) == 4
    finally:
        ours.close()
        theirs.close()


def test_a_uid_that_was_given_back_is_lent_again() -> None:
    pool = UidPool(BASE)
    try:
        first = pool.take()
        pool.give_back(first)
        assert pool.take() == first
    finally:
        pool.close()


def test_a_uid_under_which_something_runs_is_passed_over() -> None:
    stranger = subprocess.Popen(["sleep", "60"], user=BASE, group=BASE, extra_groups=())
    pool = UidPool(BASE)
    try:
        assert pool.take() != BASE
    finally:
        pool.close()
        stranger.kill()
        stranger.wait()


def test_a_closed_pool_lets_its_uids_go() -> None:
    first = UidPool(BASE)
    lent = first.take()
    first.close()
    second = UidPool(BASE)
    try:
        assert second.take() == lent
    finally:
        second.close()


def test_the_range_has_an_end() -> None:
    pool = UidPool(BASE, size=3)
    descriptors = len(os.listdir("/proc/self/fd"))
    try:
        assert [pool.take() for _ in range(3)] == [BASE, BASE + 1, BASE + 2]
        with pytest.raises(NoUserId):
            pool.take()
    finally:
        pool.close()
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_range_that_the_machine_does_not_have_is_a_hindrance() -> None:
    assert uids.hindrance(2**32 - 10) is not None
