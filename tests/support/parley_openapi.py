"""Whether a document is OpenAPI 3.1, after the schema that the OpenAPI Initiative publishes (openapi/).

    assert faults(json.load(file)) == []

That schema leaves Schema Objects to JSON Schema's own: they are checked against that.
"""

import json
from pathlib import Path

import jsonschema

OFFICIAL = jsonschema.Draft202012Validator(
    json.loads((Path(__file__).parent / "openapi/schema-3.1.json").read_text(encoding="utf-8")))
SCHEMA = jsonschema.Draft202012Validator(jsonschema.Draft202012Validator.META_SCHEMA)


def schemas(value):
    """Each Schema Object of a document, with what it stands under; those within it belong to it."""
    if isinstance(value, list):
        for one in value:
            yield from schemas(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name == "schema":
                yield name, one
            elif name == "schemas":
                yield from one.items()
            else:
                yield from schemas(one)


def faults(document):
    """Sentences; none: it is good."""
    found = [f"{error.json_path}: {error.message}" for error in OFFICIAL.iter_errors(document)]
    for name, schema in schemas(document):
        found += [f"{name} {error.json_path}: {error.message}" for error in SCHEMA.iter_errors(schema)]
    return found
