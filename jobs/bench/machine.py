"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from jobs.bench.section import Cell, Table

LIBRARIES = (
    "numpy", "scipy", "torch", "onnxruntime", "openvino", "transformers", "sentence-transformers",
    "faiss-cpu", "usearch", "lancedb", "bm25s", "ray", "fastapi", "uvicorn", "pyarrow", "sqlalchemy",
)  # fmt: skip
INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "asimd", "sve")
"""What decides how fast a core multiplies, by its name in the kernel's list."""
CPU_FILE = Path("/proc/cpuinfo")
GIB = 2**30


def machine() -> Table:
    """Processor, memory, system and versions, one a row; absent libraries are left out.

    Two runs on the same machine with the same libraries give equal tables.
    """
    rows: list[tuple[Cell, ...]] = [
        ("processor", _cpu_field("model name") or platform.processor() or platform.machine()),
        ("instructions", ", ".join(_instructions()) or "unknown"),
        ("cores", cores()),
        ("memory", f"{memory_bytes() / GIB:.1f} GiB"),
        ("system", f"{_system()}, kernel {platform.release()}"),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
    ]
    rows += [(name, found) for name in LIBRARIES if (found := _version(name))]
    return Table("The machine and the libraries", ("what", "found"), tuple(rows))


def cores() -> int:
    """Cores this process may use; a container's share is not looked at."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    """Memory of the machine in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _instructions() -> list[str]:
    flags = (_cpu_field("flags") or _cpu_field("Features")).split()
    return [name for name in INSTRUCTIONS if name in flags]


def _cpu_field(name: str) -> str:
    """The first core's value of a field; empty where the system does not tell."""
    if not CPU_FILE.is_file():
        return ""
    for line in CPU_FILE.read_text().splitlines():
        field, _, value = line.partition(":")
        if field.strip() == name:
            return value.strip()
    return ""


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""
