"""All that `padron vehicles` does, joined."""

from padron.cli.history import print_history
from padron.cli.vehicle_export import export_file
from padron.cli.vehicle_status import set_status
from padron.cli.vehicles import vehicles

vehicles.command(export_file, name="export")
vehicles.command(set_status, name="status")
vehicles.command(print_history, name="history")
