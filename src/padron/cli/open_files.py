"""Lets a server open as many files as the system allows. Each connection is one."""

import resource
from contextlib import suppress

FILES_MAX = 1_048_576  # enough for any server, where the hard limit is "unlimited" or a billion


def raise_file_limit() -> None:
    """Raise this process's soft limit of open files to the hard one. Later processes inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # a system may have a lower limit than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
