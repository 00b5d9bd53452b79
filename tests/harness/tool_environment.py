"""A virtual environment for a reading tool whose packages do not fit beside ours."""

import subprocess
import sys
from pathlib import Path


def tool_environment(folder: Path, requirements: Path) -> Path:
    """Installs the locked requirements below `folder`; the folder of its programs."""
    uv = Path(sys.executable).parent / "uv"
    for call in (
        [uv, "venv", "--quiet", "--python", sys.executable, folder],
        [uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python",
         "--requirement", requirements],
    ):  # fmt: skip
        said = subprocess.run(call, capture_output=True, text=True, timeout=600, check=False)
        assert said.returncode == 0, said.stderr
    return folder / "bin"
