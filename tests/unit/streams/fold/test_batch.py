"""A batch leaves no deadline behind that nobody waits for, and none is taken from who does."""

from schemas.decisions import Decisions
from schemas.models import ChurnModels
from schemas.profile import Profile
from streams.fold.batch import Batch, fold_batch
from streams.fold.timers import timer_event
from streams.models.learned import Learned
from tests.harness.histories import BEGIN, shop


def batch_of(profile: Profile | None, due: int) -> Batch:
    profiles = {} if profile is None else {"u1": profile}
    timer = timer_event("u1", "cart-left", due, due)
    return fold_batch([("u1", timer)], profiles, Learned(), shop(), ChurnModels())


def test_the_deadline_of_a_profile_that_expired_is_cleared_without_reviving_it() -> None:
    batch = batch_of(None, BEGIN)
    assert batch.deadlines == {("cart-left", "u1"): None}
    assert batch.profiles == {}


def test_the_deadline_of_a_profile_that_became_another_is_cleared() -> None:
    batch = batch_of(Profile("u1", forwarded_to="u2"), BEGIN)
    assert batch.deadlines == {("cart-left", "u1"): None}


def test_a_timer_out_of_date_leaves_the_deadline_that_is_pending() -> None:
    waiting = Profile("u1", decisions=Decisions(deadlines={"cart-left": BEGIN + 1}))
    batch = batch_of(waiting, BEGIN)
    assert batch.dropped == {"stale_timer": 1}
    assert batch.deadlines == {}
