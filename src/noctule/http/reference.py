"""The page at ``/docs``: every operation of our own OpenAPI, as one HTML file without foreign assets.

It must work on a machine without internet, so nothing is fetched: neither scripts nor fonts nor styles.
Everything that is shown is escaped.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1c2333"/>'
    b'<path d="M21 4a12 12 0 1 0 7 17A10 10 0 0 1 21 4z" fill="#f2c14e"/></svg>'
)

_STYLE = """
:root{color-scheme:light dark;--ink:light-dark(#1c2333,#e6e9f0);--faint:light-dark(#667,#9aa3b5);
--line:light-dark(#dde,#333c4f);--back:light-dark(#fff,#141a26);--raised:light-dark(#f6f7fb,#1c2333)}
body{margin:0 auto;max-width:62rem;padding:2rem 1.25rem 4rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);
background:var(--back)}
h1{margin:0}h2{margin:2.5rem 0 .5rem;text-transform:capitalize;border-bottom:1px solid var(--line)}
p{margin:.4rem 0}code,pre,summary{font-family:ui-monospace,monospace;font-size:.9rem}
details.operation{border:1px solid var(--line);border-radius:.5rem;margin:.5rem 0;background:var(--raised)}
details.operation>summary{padding:.55rem .8rem;cursor:pointer}details>div{padding:0 .8rem .8rem}
.method{display:inline-block;width:4.2rem;font-weight:700}.faint{color:var(--faint)}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;
border-bottom:1px solid var(--line);font-size:.9rem}h3{font-size:.95rem;margin:.9rem 0 .2rem}
"""
_DEEPEST = 4


def page(openapi: Mapping[str, Any]) -> str:
    """The page for an OpenAPI 3.1 document."""
    info = openapi["info"]
    sections: dict[str, list[str]] = {}
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            tag = (operation.get("tags") or ["other"])[0]
            sections.setdefault(tag, []).append(_operation(openapi, path, method, operation))
    described = {tag["name"]: tag.get("description", "") for tag in openapi.get("tags", ())}
    body = "".join(
        f'<section><h2 id="{escape(tag)}">{escape(tag)}</h2><p class="faint">{escape(described.get(tag, ""))}</p>'
        f"{''.join(operations)}</section>"
        for tag, operations in sections.items()
    )
    title = escape(info["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} API</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="favicon.ico">'
        f'<style>{_STYLE}</style></head><body><h1>{title}</h1><p class="faint">API {escape(info["version"])} · '
        '<a href="openapi.json">openapi.json</a></p>'
        f"<p>{_prose(info.get('description', ''))}</p>{body}</body></html>"
    )


def _operation(openapi: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> str:
    parts = [f"<p>{_prose(operation.get('description', ''))}</p>"]
    if "security" not in operation:
        parts.append('<p class="faint">No key is needed.</p>')
    parameters = [
        (item["name"], item["schema"], item.get("required", False), f"{item['in']}. {item.get('description', '')}")
        for item in operation.get("parameters", ())
    ]
    if parameters:
        parts.append(f"<h3>Parameters</h3>{_table(openapi, parameters)}")
    body = operation.get("requestBody", {}).get("content", {})
    parts.extend(f"<h3>Body, {escape(kind)}</h3>{_schema(openapi, item)}" for kind, item in body.items())
    for status, response in operation.get("responses", {}).items():
        parts.extend(
            f"<h3>{escape(status)}, {escape(kind)}</h3>{_schema(openapi, item)}"
            for kind, item in response.get("content", {}).items()
        )
    return (
        f'<details class="operation" id="{escape(operation.get("operationId", path))}"><summary>'
        f'<span class="method">{escape(method.upper())}</span>{escape(path)} '
        f'<span class="faint">{escape(operation.get("summary", ""))}</span></summary>'
        f"<div>{''.join(parts)}</div></details>"
    )


def _schema(openapi: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    schema = _resolved(openapi, content.get("schema", {}))
    required = schema.get("required", ())
    rows = [
        (name, item, name in required, item.get("description", ""))
        for name, item in schema.get("properties", {}).items()
    ]
    return _table(openapi, rows) if rows else f"<p><code>{escape(_type(openapi, schema))}</code></p>"


def _table(openapi: Mapping[str, Any], rows: Iterable[tuple[str, Mapping[str, Any], bool, str]]) -> str:
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code>{' *' if required else ''}</td>"
        f"<td><code>{escape(_type(openapi, schema))}</code></td><td>{_prose(text)}</td></tr>"
        for name, schema, required, text in rows
    )
    return f"<table><tr><th>name (* required)</th><th>type</th><th></th></tr>{lines}</table>"


def _type(openapi: Mapping[str, Any], schema: Mapping[str, Any], depth: int = 0) -> str:
    """A schema as a short line: ``integer = 10, ≥ 1, ≤ 100``."""
    if "$ref" in schema:
        target = _resolved(openapi, schema)
        return _type(openapi, target, depth) if "enum" in target else schema["$ref"].rsplit("/", 1)[-1]
    options = schema.get("anyOf") or schema.get("oneOf")
    if options and depth < _DEEPEST:
        text = " | ".join(_type(openapi, option, depth + 1) for option in options)
    elif "enum" in schema:
        text = " | ".join(repr(value) for value in schema["enum"])
    elif "const" in schema:
        text = repr(schema["const"])
    elif schema.get("type") == "array" and depth < _DEEPEST:
        text = f"list of {_type(openapi, schema.get('items', {}), depth + 1)}"
    else:
        text = str(schema.get("format") or schema.get("type") or "any")
    if schema.get("default") is not None:
        text += f" = {schema['default']!r}"
    bounds = [f"{sign} {schema[name]}" for name, sign in (("minimum", "≥"), ("maximum", "≤")) if name in schema]
    return ", ".join([text, *bounds])


def _resolved(openapi: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rsplit("/", 1)[-1]
    target: Mapping[str, Any] = openapi["components"]["schemas"][name]
    return target


def _prose(text: str) -> str:
    """Escaped text in which `backticks` are code."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces))
