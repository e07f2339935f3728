import importlib.util
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_command_line_reference_is_up_to_date():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.TARGET.read_text(encoding="utf-8") == generate.reference(), (
        "run `python docs/generate.py`"
    )
