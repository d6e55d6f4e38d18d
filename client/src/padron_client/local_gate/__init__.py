"""The gate in your own process: answers from memory, kept current by a thread, and honest about its age."""

from padron_client.local_gate.answers import Answer, Reason, State
from padron_client.local_gate.clocks import Clocks
from padron_client.local_gate.gate import LocalGate

__all__ = ["Answer", "Clocks", "LocalGate", "Reason", "State"]
