"""Who runs a command, for the history: the system user of the process."""

import os
import pwd
from functools import cache

from padron.domain.actors import format_command_line


@cache
def give_actor() -> str:
    """Give the id of the author of this command's changes, such as ``cli:root``.

    The variables LOGNAME and USER are not read, because whoever runs a command can set them.
    """
    user_id = os.getuid()
    try:
        return format_command_line(pwd.getpwuid(user_id).pw_name)
    except KeyError:  # as in a container that runs under a number that nobody has
        return format_command_line(str(user_id))
