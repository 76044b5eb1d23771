"""Tokens by kind, out of what each provider calls them."""

import pytest

from noctule.llm.protocol import Image, Message
from noctule.llm.tokens import (
    CompletionDetails,
    PromptDetails,
    Reported,
    Tokens,
    counted,
    estimate,
    most_prompt_tokens,
)


def test_kinds_are_disjoint_and_add_up() -> None:
    reported = Reported(100, 50, 150, PromptDetails(30, 20), CompletionDetails(40))
    tokens = counted(reported, reasoning_is_apart=False)
    assert tokens == Tokens(input=50, cache_read=30, cache_write=20, output=10, reasoning=40)
    assert tokens is not None
    assert sum(count for _, count in tokens.by_kind()) == 150
    assert dict(tokens.by_kind()) == {"input": 50, "cache_read": 30, "cache_write": 20, "output": 10, "reasoning": 40}


def test_a_cache_that_other_names_tell_of_is_counted() -> None:
    assert counted(Reported(100, 5, prompt_cache_hit_tokens=64), reasoning_is_apart=False) == Tokens(36, 64, 0, 5)
    assert counted(Reported(100, 5, cached_tokens=10), reasoning_is_apart=False) == Tokens(90, 10, 0, 5)


def test_reasoning_that_only_the_total_counts_is_found() -> None:
    gemini = Reported(21, 10, 91, None, None)
    assert counted(gemini, reasoning_is_apart=True) == Tokens(input=21, output=10, reasoning=60)
    assert counted(gemini, reasoning_is_apart=False) == Tokens(input=21, output=10)
    inside = Reported(21, 70, 91, None, CompletionDetails(60))
    assert counted(inside, reasoning_is_apart=True) == Tokens(input=21, output=10, reasoning=60)


def test_reasoning_beyond_the_completion_is_beside_it() -> None:
    reported = Reported(21, 5, 26, None, CompletionDetails(60))
    assert counted(reported, reasoning_is_apart=False) == Tokens(input=21, output=5, reasoning=60)


def test_a_cache_is_never_more_than_the_prompt() -> None:
    reported = Reported(10, 1, 11, PromptDetails(50, 50))
    assert counted(reported, reasoning_is_apart=False) == Tokens(0, 10, 0, 1)


@pytest.mark.parametrize(
    "reported",
    [
        None,
        Reported(),
        Reported(prompt_tokens=3),
        Reported(-1, 5),
        Reported(1, 10**12),
        Reported(5, 5, 10, PromptDetails(-3)),
    ],
)
def test_counts_that_cannot_be_true_are_no_counts(reported: Reported | None) -> None:
    assert counted(reported, reasoning_is_apart=False) is None


def test_an_estimate_is_never_above_the_most_that_can_be() -> None:
    messages = (Message.system("Read."), Message.user("é" * 1000, Image("image/png", b"x")))
    estimated = estimate(messages, "Yes.")
    assert estimated == Tokens(input=502 + 1500 + 16, output=1)
    assert most_prompt_tokens(messages, 100) == 2005 + 100 + 6000 + 16


def test_tokens_add_up_kind_by_kind() -> None:
    assert Tokens(1, 2, 3, 4, 5) + Tokens(10, 20, 30, 40, 50) == Tokens(11, 22, 33, 44, 55)
