#!/bin/sh
# Install the product with the named extras into a virtual environment: sh scripts/install.sh VENV EXTRAS
set -eu
venv=$1
extras=$2
python=${PYTHON:-python3}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --upgrade pip
# Unpinned torch pulls gigabytes of CUDA libraries; this release has a CPU build where one is offered.
# Set TORCH to another requirement (for example TORCH=torch) on a machine with a GPU.
"$venv/bin/python" -c 'import torch' 2>/dev/null || "$venv/bin/python" -m pip install --quiet "${TORCH:-torch==2.13.0}"
"$venv/bin/python" -m pip install --quiet --editable ".[$extras]"
