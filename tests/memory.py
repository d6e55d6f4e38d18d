"""Where the tests keep their files: in memory, if the machine has a file system for that with room enough."""

import os
import shutil
from pathlib import Path

# Every Linux has it; a container's is often as small as 64 MB, and then the disk is used.
_MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there has names that nobody can guess
_ROOM_BYTES_MIN = 4 * 1024**3


def find_memory_folder() -> str | None:
    """Give the folder; None for the system's usual place for temporary files."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES_MIN:
        return str(_MEMORY)
    return None
