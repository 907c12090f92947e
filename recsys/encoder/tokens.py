"""From texts to token ids, one window of texts ahead of the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from transformers import PreTrainedTokenizerFast

from recsys.errors import ConfigError

CHARS_PER_TOKEN = 64
"""A text is cut to max_tokens times this many characters before the tokenizer sees it."""


class Tokens:
    """A fast tokenizer, set once: it may not change while another thread uses it."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, max_tokens: int) -> None:
        """Raises `ConfigError` when `max_tokens` leaves no room beside the special tokens."""
        self.blank = blank_token(tokenizer)
        self._tokenizer, self._max_chars = tokenizer.backend_tokenizer, max_tokens * CHARS_PER_TOKEN
        specials = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        if max_tokens <= specials:
            raise ConfigError(
                "max_tokens leaves no room for text", expected=f"more than {specials}", found=str(max_tokens)
            )
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.no_padding()

    @property
    def vocabulary(self) -> int:
        """Number of token ids, added ones included."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def of(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, at least one."""
        # Lone surrogates cannot be written as UTF-8, which the tokenizer needs.
        cut = [text[: self._max_chars].encode("utf-8", "replace").decode() for text in texts]
        return [encoding.ids or [self.blank] for encoding in self._tokenizer.encode_batch_fast(cut)]

    def ahead(self, windows: Iterable[Sequence[str]]) -> Iterator[list[list[int]]]:
        """`of` each window, the next one in a thread while the caller works on this one."""
        pending = iter(windows)
        first = next(pending, None)
        if first is None:
            return
        ready = self.of(first)
        with ThreadPoolExecutor(1, thread_name_prefix="tokens") as thread:
            for window in pending:
                # The tokenizer leaves Python's lock while it works, so that both run at once.
                coming = thread.submit(self.of, window)
                yield ready
                ready = coming.result()
        yield ready


def blank_token(tokenizer: PreTrainedTokenizerFast) -> int:
    """Fills padding, and stands alone for a text without tokens; GPT-2-like folders name no padding."""
    for candidate in (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id):
        if candidate is not None:
            return int(candidate)
    return 0
