"""The example of the README works."""

import re
from pathlib import Path

import pytest

from padron_client.conformance.register import KEY

from .conftest import Stage

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_readmes_example_answers(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    section = README.read_text("utf-8").partition("## The local gate")[2]
    example = re.findall("```python\n(.*?)```", section, re.DOTALL)[0]
    assert "padron_1k…" in example
    stage.do(lambda: stage.register.set_operable("3LNHL2GC1BR262548", operable=True))
    example = example.replace("http://127.0.0.1:8080", stage.register.url).replace("padron_1k…", KEY)
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - our own text
    assert capsys.readouterr().out.startswith("go, as of ")
