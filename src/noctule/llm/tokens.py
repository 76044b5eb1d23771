"""Tokens by kind: what a call used, counted by the provider or, where it does not count, estimated by us.

The five kinds are disjoint and add up to all that is billed. Providers report them in overlapping ways
(cached tokens inside the prompt's, reasoning inside or beside the completion's); ``counted`` is the one
place that knows.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from noctule.llm.protocol import Image, Message

# English text has about four bytes a token in every usual tokenizer; more languages have fewer.
_BYTES_PER_TOKEN = 4
# What the large providers bill for a picture of a screen, rounded up.
_TOKENS_PER_IMAGE = 1_500
_MOST_TOKENS_PER_IMAGE = 6_000
# Roles and separators; every message has some.
_TOKENS_PER_MESSAGE = 8
_MOST_TOKENS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Tokens:
    """``input`` was read afresh, ``cache_read`` and ``cache_write`` through the provider's cache, ``output`` is the
    answer, ``reasoning`` what was thought before it."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def prompt(self) -> int:
        """Everything that went in."""
        return self.input + self.cache_read + self.cache_write

    @property
    def completion(self) -> int:
        """Everything that came out."""
        return self.output + self.reasoning

    def by_kind(self) -> tuple[tuple[str, int], ...]:
        """The kinds that are there, by name."""
        every = ((name, getattr(self, name)) for name in Tokens.__dataclass_fields__)
        return tuple((name, count) for name, count in every if count)

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            self.input + other.input,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.output + other.output,
            self.reasoning + other.reasoning,
        )


class PromptDetails(msgspec.Struct):
    """What a provider says about the prompt's tokens."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class CompletionDetails(msgspec.Struct):
    """What a provider says about the completion's tokens."""

    reasoning_tokens: int | None = None


class Reported(msgspec.Struct):
    """``usage`` of a reply, as the chat API has it and its relatives extend it."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    # DeepSeek's names.
    prompt_cache_hit_tokens: int | None = None
    # Moonshot's.
    cached_tokens: int | None = None


def counted(reported: Reported | None, *, reasoning_is_apart: bool) -> Tokens | None:
    """The tokens that a provider reports; ``None`` if it reports none that can be true.

    ``reasoning_is_apart``: its ``completion_tokens`` leave the reasoning out, which ``total_tokens`` counts (Gemini).
    """
    if reported is None or reported.prompt_tokens is None or reported.completion_tokens is None:
        return None
    prompt, completion = reported.prompt_tokens, reported.completion_tokens
    about_prompt = reported.prompt_tokens_details or PromptDetails()
    about_completion = reported.completion_tokens_details or CompletionDetails()
    reads = (about_prompt.cached_tokens, reported.prompt_cache_hit_tokens, reported.cached_tokens)
    cache_read = next((count for count in reads if count is not None), 0)
    cache_write = about_prompt.cache_write_tokens or 0
    reasoning = about_completion.reasoning_tokens or 0
    if reasoning_is_apart and reported.total_tokens is not None:
        hidden = reported.total_tokens - prompt - completion
        reasoning = hidden if hidden > 0 else min(reasoning, completion)
        completion += max(0, hidden)
    every = (prompt, completion, cache_read, cache_write, reasoning)
    if min(every) < 0 or max(every) > _MOST_TOKENS:
        return None
    if reasoning > completion:
        # Some leave it out of the completion: more was thought than was, by their word, put out.
        completion += reasoning
    cache_read = min(cache_read, prompt)
    cache_write = min(cache_write, prompt - cache_read)
    return Tokens(prompt - cache_read - cache_write, cache_read, cache_write, completion - reasoning, reasoning)


def estimate(messages: Iterable[Message], answer: str) -> Tokens:
    """About how many tokens a call used, by the size of its texts, for a provider that does not say."""
    texts, images, count = _sizes(messages)
    prompt = -(-texts // _BYTES_PER_TOKEN) + images * _TOKENS_PER_IMAGE + count * _TOKENS_PER_MESSAGE
    return Tokens(input=prompt, output=-(-len(answer.encode(errors="replace")) // _BYTES_PER_TOKEN))


def most_prompt_tokens(messages: Iterable[Message], schema_bytes: int) -> int:
    """As many tokens as a prompt can have: no tokenizer in use makes more than one of a byte."""
    texts, images, count = _sizes(messages)
    return texts + schema_bytes + images * _MOST_TOKENS_PER_IMAGE + count * _TOKENS_PER_MESSAGE


def _sizes(messages: Iterable[Message]) -> tuple[int, int, int]:
    texts = images = count = 0
    for message in messages:
        count += 1
        for part in message.parts:
            if isinstance(part, Image):
                images += 1
            else:
                texts += len(part.encode(errors="replace"))
    return texts, images, count
