"""Tiny random encoder folders (BERT, T5, GPT-2 with a small real vocabulary; CLIP, SigLIP) in safetensors.

Weights depend only on `seed`, so embeddings are the same on every machine with the same torch.
Token embeddings are drawn large: texts that share words come out closer than texts that do not.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    GPT2Config,
    GPT2Model,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    SiglipImageProcessorPil,
    SiglipVisionConfig,
    SiglipVisionModel,
    T5Config,
    T5EncoderModel,
)

TINY_DIM = 32
TINY_MAX_POSITIONS = 128

_WORD_LIST = """
a and the for of in with by to on set pack new small large steel glass wood paper cotton red blue green
black white pen pencil ink printer cartridge toner desk chair lamp office notebook folder stapler shoes
running boots shirt dress jacket coffee tea mug cup kettle kitchen knife pan bottle water garden hose
tool drill hammer phone case cable charger laptop mouse keyboard screen speaker music guitar violin toy
puzzle game ball doll book novel art bike helmet tent camping light soap shampoo cream dog cat food bed
"""
WORDS = tuple(_WORD_LIST.split())
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,:;!?-_'/&()"


def tiny_bert(folder: Path, seed: int = 0, more: str = "") -> Path:
    """A BERT-like folder: WordPiece tokenizer, 2 layers, `TINY_DIM` wide; `more` characters are known too."""
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*specials, *WORDS, *CHARACTERS, *(f"##{c}" for c in CHARACTERS), *more]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ids = (("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"]))
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[*ids])
    names = dict(
        zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), specials, strict=True)
    )
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=TINY_DIM,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=TINY_MAX_POSITIONS,
    )
    return _save(folder, _seeded(lambda: BertModel(config, add_pooling_layer=False), seed), tokenizer, names)


def tiny_t5(folder: Path, seed: int = 0) -> Path:
    """A T5 folder that holds only the encoder half: Unigram tokenizer, relative positions."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(f"▁{word}", -3.0) for word in dict.fromkeys(WORDS) if len(word) > 1]
    pieces += [("▁", -6.0), *((character, -9.0) for character in CHARACTERS)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2, byte_fallback=False))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    names = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    config = T5Config(
        vocab_size=len(pieces),
        d_model=TINY_DIM,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        relative_attention_num_buckets=8,
    )
    return _save(folder, _seeded(lambda: T5EncoderModel(config), seed), tokenizer, names)


def tiny_gpt2(folder: Path, seed: int = 0) -> Path:
    """A GPT-2-like folder: byte-level BPE without merges, causal, no padding token, no specials added."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: i for i, piece in enumerate([*alphabet, "<|endoftext|>"])}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    end = vocabulary["<|endoftext|>"]
    config = GPT2Config(
        vocab_size=len(vocabulary),
        n_positions=TINY_MAX_POSITIONS,
        n_embd=TINY_DIM,
        n_layer=2,
        n_head=4,
        bos_token_id=end,
        eos_token_id=end,
    )
    names = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    return _save(folder, _seeded(lambda: GPT2Model(config), seed), tokenizer, names)


def tiny_clip(folder: Path, seed: int = 0) -> Path:
    """A whole CLIP folder, texts' half included, pictures of 32 x 32, `TINY_DIM` wide."""
    half = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config=half
        | {"vocab_size": 99, "max_position_embeddings": 16, "bos_token_id": 1, "eos_token_id": 2},
        vision_config=half | {"image_size": 32, "patch_size": 8},
        projection_dim=TINY_DIM,
    )
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, do_center_crop=True
    )
    return _save_pictures(folder, lambda: CLIPModel(config), processor, seed)


def tiny_siglip(folder: Path, seed: int = 0) -> Path:
    """The picture's half of a SigLIP, pictures of 32 x 32, 48 wide."""
    config = SiglipVisionConfig(
        hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        image_size=32, patch_size=16,
    )  # fmt: skip
    processor = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    return _save_pictures(folder, lambda: SiglipVisionModel(config), processor, seed)


def _save_pictures(folder: Path, build: Callable[[], PreTrainedModel], processor: Any, seed: int) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build()
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _seeded(build: Callable[[], PreTrainedModel], seed: int) -> PreTrainedModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build()
        torch.nn.init.normal_(model.get_input_embeddings().weight, std=1.0)
    return model


def _save(folder: Path, model: PreTrainedModel, tokenizer: Tokenizer, specials: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=TINY_MAX_POSITIONS,
        clean_up_tokenization_spaces=False,
        **specials,
    )
    wrapped.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder
