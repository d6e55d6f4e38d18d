"""Joins the commands of `padron archive`."""

from padron.cli.archive_erasure import erase_files
from padron.cli.archives import archive

archive.command(erase_files, name="erase")
