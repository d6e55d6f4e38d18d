"""Joins the commands of `padron vehicles`."""

from padron.cli.history import print_history
from padron.cli.vehicle_deletion import delete_one
from padron.cli.vehicle_erasure import erase
from padron.cli.vehicle_export import export_file
from padron.cli.vehicle_sample import print_sample
from padron.cli.vehicle_status import set_status
from padron.cli.vehicle_views import list_fleet, show_one
from padron.cli.vehicles import vehicles

vehicles.command(list_fleet, name="list")
vehicles.command(show_one, name="show")
vehicles.command(export_file, name="export")
vehicles.command(set_status, name="status")
vehicles.command(delete_one, name="delete")
vehicles.command(erase, name="erase")
vehicles.command(print_history, name="history")
vehicles.command(print_sample, name="sample")
