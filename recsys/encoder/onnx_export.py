"""The network of a verified folder as ONNX files, made once and compared with torch before they count."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from recsys.config import EncoderConfig, Precision
from recsys.encoder.exported import exported, fingerprint
from recsys.encoder.folder import EncoderFolder
from recsys.encoder.torch_network import TorchNetwork
from recsys.encoder.trained_parts import token_states
from recsys.errors import EncoderError

INPUTS, OUTPUT = ("input_ids", "attention_mask"), "states"
TOLERANCE = 1e-4
"""Largest difference of a token state, relative to the largest one, between ONNX Runtime and torch."""
PROBES = ((1, 1), (3, 2), (2, 17), (5, 7))
"""Batch and length of what is compared: an export that froze a size would not survive them."""


def onnx_file(config: EncoderConfig, folder: EncoderFolder) -> Path:
    """The folder's network as an ONNX file in fp32 or int8, from the cache or exported now.

    Raises `EncoderError` when the network cannot be exported, or the export does not compute the same.
    """
    cache = config.export_folder
    whole = exported(
        cache, fingerprint(folder, "fp32", torch.__version__), lambda file: _export(folder, file)
    )
    if config.precision is not Precision.INT8:
        return whole
    name = fingerprint(folder, "int8", f"{torch.__version__}-{onnxruntime.__version__}")
    return exported(cache, name, lambda file: _quantise(whole, file))


def session(file: Path, num_threads: int | None) -> onnxruntime.InferenceSession:
    """An optimised session whose threads are those of one encoder."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = num_threads or torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


class _States(torch.nn.Module):
    def __init__(self, network: TorchNetwork) -> None:
        super().__init__()
        self.model, self._prompt = network.model, network.prompt

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return token_states(self.model, input_ids, attention_mask, self._prompt)


def _export(folder: EncoderFolder, file: Path) -> None:
    network = TorchNetwork(EncoderConfig(), folder, torch.device("cpu"))
    free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    ids, mask = _probe(2, 7)
    try:
        with _quiet(), torch.no_grad():
            torch.onnx.export(
                _States(network), (torch.from_numpy(ids), torch.from_numpy(mask)), file,
                dynamo=True, dynamic_shapes=dict.fromkeys(INPUTS, free), input_names=[*INPUTS],
                output_names=[OUTPUT], external_data=False, verbose=False,
            )  # fmt: skip
            _compare(network, file, folder)
    except EncoderError:
        raise
    except Exception as error:  # the exporter raises whatever the architecture's own code runs into
        raise EncoderError(
            "this network cannot be exported to ONNX", expected="backend torch",
            found=f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0][:200]}",
            where=str(folder.path),
        ) from error  # fmt: skip


def _compare(network: TorchNetwork, file: Path, folder: EncoderFolder) -> None:
    running = session(file, None)
    for rows, length in PROBES:
        ids, mask = _probe(rows, length)
        wanted = network.states(ids, mask).numpy() * mask[:, :, None]
        found = running.run([OUTPUT], dict(zip(INPUTS, (ids, mask), strict=True)))[0] * mask[:, :, None]
        off = float(np.abs(wanted - found).max() / max(1.0, float(np.abs(wanted).max())))
        if not off <= TOLERANCE:
            raise EncoderError(
                "the exported network does not compute what torch computes",
                expected=f"states within {TOLERANCE:g}",
                found=f"{off:g} off for {rows} texts of {length} tokens",
                where=str(folder.path),
            )


def _probe(rows: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Ids that every vocabulary has, and a mask whose rows end at different places."""
    ids = np.arange(rows * length, dtype=np.int64).reshape(rows, length) % 17
    ends = length - np.arange(rows) % length
    return ids, (np.arange(length) < ends[:, None]).astype(np.int64)


def _quantise(whole: Path, file: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet():
        # One scale a column, and 7 of the 8 bits: processors without VNNI overflow with all 8, and
        # one embedding space must not depend on the processor.
        quantize_dynamic(
            whole, file, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )  # fmt: skip


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporters' advice stays off the terminal."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
