"""Small elements are kept where rates are found, and nowhere else: no other thread, no child."""

import os
import threading

import numpy as np
import pytest
import qutip

from openmr._qutip import exact_arithmetic


def small_element_is_kept():
    """What QuTiP makes of 1e-20 in a sum of sparse operators."""
    one = qutip.Qobj(np.diag([1.0, 1e-20])).to("csr")
    return bool((one + 0 * one).full()[1, 1] == 1e-20)


def test_only_inside():
    assert not small_element_is_kept()
    with exact_arithmetic():
        assert small_element_is_kept()
        with exact_arithmetic():
            pass
        assert small_element_is_kept()
        assert qutip.settings.core.options["auto_tidyup"] is True  # the setting is the user's
    assert not small_element_is_kept()


def test_the_users_own_choice_holds_outside():
    with qutip.CoreOptions(auto_tidyup=False):
        with exact_arithmetic():
            assert small_element_is_kept()
        assert small_element_is_kept()
    with exact_arithmetic(), qutip.CoreOptions(atol=1e-9):
        assert small_element_is_kept()
    assert not small_element_is_kept()


def in_a_thread(work):
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_no_other_thread_sees_it():
    with exact_arithmetic():
        assert not in_a_thread(small_element_is_kept)
        assert small_element_is_kept()


def test_an_error_inside_ends_it():
    with pytest.raises(ValueError, match="no"), exact_arithmetic():
        raise ValueError("no")
    assert not small_element_is_kept()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # forking with threads, on purpose
def test_a_process_forked_by_another_thread_does_not_inherit_it():
    def kept_in_a_child():
        child = os.fork()
        if child == 0:
            os._exit(int(small_element_is_kept()))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    with exact_arithmetic():
        assert in_a_thread(kept_in_a_child) == 0
