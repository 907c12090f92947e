"""Run every `sh` block of a page in order and put what it printed below it.

    python scripts/run_docs.py docs/live.md
    python scripts/run_docs.py --check docs/live.md   # runs, and leaves the page as it is

Blocks run in one shell each, with the page's own variables kept in a file between them. A block that fails
ends the run. Long lines of output are cut. A block after `<!-- not run here: REASON -->` is left as it is.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(
    r"(?P<reason><!-- not run here: [^\n]+ -->\n+)?```sh\n(?P<code>.*?)```\n(?:\n```text\n.*?```\n)?", re.S
)
MOST_LINES, MOST_CHARS = 40, 1_200


def run(code: str, state: Path) -> str:
    """What one block prints."""
    script = f"set -e\ntouch {state}\n. {state}\n{code}\ndeclare -p | grep -v '^declare -[a-z]*r' > {state}\n"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"a block failed:\n{code}\n{done.stdout}\n{done.stderr}")
    lines = [
        line if len(line) <= MOST_CHARS else line[:MOST_CHARS] + " ..." for line in done.stdout.splitlines()
    ]
    return "\n".join(lines[:MOST_LINES] + (["..."] if len(lines) > MOST_LINES else []))


def main() -> None:
    """Run the pages that are named, and write down what they said."""
    check = "--check" in sys.argv[1:]
    for name in (one for one in sys.argv[1:] if one != "--check"):
        page = Path(name)
        with tempfile.NamedTemporaryFile(suffix=".sh") as state:

            def shown(found: re.Match[str], path: Path = Path(state.name)) -> str:
                if found["reason"]:
                    return found[0]
                said = run(found["code"], path)
                block = f"```sh\n{found['code']}```\n"
                return f"{block}\n```text\n{said}\n```\n" if said else block

            text = BLOCK.sub(shown, page.read_text(encoding="utf-8"))
            if not check:
                page.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{page}: every block ran\n")


if __name__ == "__main__":
    main()
