"""``python run_script.py FILE VARIABLES``: runs a script as a user would, with the official SDK that is installed.

The API's address and key are in ``NOTTE_API_URL`` and ``NOTTE_API_KEY``. ``VARIABLES`` is a JSON object. Prints what
``run`` returns as one JSON object on standard output.
"""

import importlib.util
import json
import sys
from importlib.metadata import version
from typing import Any


def main(file: str, variables: dict[str, Any]) -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("script", file)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return {"sdk": version("notte-sdk"), "result": script.run(**variables)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]))))
