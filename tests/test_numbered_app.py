"""What a parent hands to a new process must not make it import the program before it answers."""

import base64
import pickle
import subprocess
import sys

from padron.numbered_app import NumberedApp

SCRIPT = """
import base64, pickle, sys
app = pickle.loads(base64.b64decode(sys.argv[1]))
print(app.number, "padron.wiring" in sys.modules, "starlette" in sys.modules)
"""


def test_a_process_knows_its_number_without_the_program() -> None:
    handed = base64.b64encode(pickle.dumps(NumberedApp(number=7))).decode()
    done = subprocess.run([sys.executable, "-c", SCRIPT, handed], check=True, capture_output=True, text=True)
    assert done.stdout == "7 False False\n"


def test_the_class_of_the_processes_does_not_import_the_program_either() -> None:
    script = "import sys, padron.cli.parent; print(*{'padron.wiring', 'starlette', 'cyclopts'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "\n"
