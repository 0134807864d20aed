"""Definition files that are built to hurt whoever reads them.

``BOMBS`` maps a name to the suffix of the file, a function that builds its bytes (up to the size limit of a file) and
a part of what is to be said of it. ``HEAVY_BUT_VALID`` are as large and must be loaded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

MEGABYTE = 1_000_000

Build = Callable[[], bytes]


def _repeat(part: str, before: str = "", after: str = "", size: int = MEGABYTE) -> Build:
    return (before + part * ((size - len(before) - len(after)) // len(part)) + after).encode


def _each(part: Callable[[int], str], count: int, before: str = "", after: str = "") -> Build:
    return (before + "".join(part(index) for index in range(count)) + after).encode


def _json(build: Callable[[], Any]) -> Build:
    return lambda: json.dumps(build()).encode()


def _laughs(link: str) -> Build:
    return _each(lambda i: f"a{i + 1}: &a{i + 1} {link.replace('*', f'*a{i}')}\n", 9, "a0: &a0 {k: [x, x, x, x, x]}\n")


def _component(**more: Any) -> dict[str, Any]:
    return {"name": "c", "component_type": "t", **more}


def _job(*components: Any, **more: Any) -> dict[str, Any]:
    return {"name": "j", "components": list(components), **more}


def _configured(configuration: Any) -> Any:
    return {"jobs": [_job(_component(configuration=configuration))]}


_DEEP = "is nested more than"
_MANY = "holds more than 150000 values"
_WORK = "holds too many keys, tables and values"
_TWICE = "aliases repeat too much"
_INVALID = "is not valid"

_YAML: Mapping[str, tuple[str, Build, str]] = {
    "laughs": ("yaml", _laughs("[*, *, *, *, *, *, *, *, *, *]"), _TWICE),
    "laughs-in-mappings": ("yaml", _laughs("{a: *, b: *, c: *, d: *, e: *, f: *, g: *, h: *}"), _TWICE),
    "laughs-by-merging": ("yaml", _laughs("{<<: [*, *, *, *, *, *, *, *], b: *, c: *}"), _TWICE),
    "laughs-of-long-text": ("yaml", _repeat("*a, ", f"a: &a {'x' * 500_000}\nb: [", "]", 504_000), _TWICE),
    "holding-itself": ("yaml", _repeat("x", "a: &a [*a, ", "]", 100), "inside its own anchor"),
    "many-aliases": ("yaml", _repeat("- *a\n", "- &a x\n"), _TWICE),
    "chain-of-merges": (
        "yaml",
        _each(lambda i: f"a{i + 1}: &a{i + 1} {{<<: *a{i}}}\n", 20_000, "a0: &a0 {z: 1}\n"),
        _DEEP,
    ),
    "long-keys": ("yaml", _repeat("a: *a\n", f"z: &a {{? {'k' * 300_000} : 1}}\n", size=301_000), _TWICE),
    "wide-merges": (
        "yaml",
        _each(lambda i: f"k{i}: 1, ", 9_000, "a: &a {", "}\nb: {<<: *a}\nc: {<<: *a}\nd: {<<: *a}"),
        _TWICE,
    ),
    "deep-flow-lists": ("yaml", _repeat("["), _DEEP),
    "deep-flow-mappings": ("yaml", _repeat("{a: "), _DEEP),
    "deep-block-lists": ("yaml", _repeat("- "), _DEEP),
    "deep-complex-keys": ("yaml", _repeat("? "), _DEEP),
    "deep-blocks": ("yaml", _each(lambda i: " " * i + "a:\n", 1_300), _DEEP),
    "flat-list": ("yaml", _repeat("1,", "[", "]"), _MANY),
    "flat-mapping": ("yaml", _each(lambda i: f"k{i}: 1\n", 101_000), _MANY),
    "empty-lists": ("yaml", _repeat("[],", "[", "]"), _MANY),
    "empty-mappings": ("yaml", _repeat("- {}\n"), _MANY),
    "one-key-for-ever": ("yaml", _repeat("a: 1\n"), _MANY),
    "one-key-often": ("yaml", _repeat("a: 1\n", size=300_000), "the key 'a' is given twice (first in line 1)"),
    "number-keys": ("yaml", _each(lambda i: f"{i}: 1\n", 60_000), "keys must be text, not a whole number"),
    "many-documents": ("yaml", _repeat("---\n"), "holds more than 1000 documents"),
    "many-directives": ("yaml", _each(lambda i: f"%TAG !a{i}! tag:x\n", 40_000, after="--- a\n"), "begin with '%'"),
    "python-object": ("yaml", _repeat("x", "- !!python/object/apply:os.system [", "]", 99), "has the tag '!!python"),
    "endless-tag": ("yaml", _repeat("a", "!", " x"), "has the tag '!aaa"),
    "endless-anchor": ("yaml", _repeat("a", "&", " x"), "must be a mapping"),
    "endless-text": ("yaml", _repeat("a"), "must be a mapping"),
    "endless-number": ("yaml", _repeat("1", "a: "), "is a number of more than 4000 digits"),
    "endless-hexadecimal": ("yaml", _repeat("f", "a: 0x"), "unknown key 'a'"),
    "endless-key": ("yaml", _repeat("k", "? ", "\n: 1\n"), "unknown key 'kkk"),
    "open-quote": ("yaml", _repeat("x\n", 'a: "'), _INVALID),
    "escaped-quotes": ("yaml", _repeat('\\"', 'a: "'), _INVALID),
    "colons": ("yaml", _repeat(": "), _INVALID),
    "commas": ("yaml", _repeat(",", "{"), _INVALID),
    "block-text": ("yaml", _repeat(" x\n", "a: |\n"), "unknown key 'a'"),
    "folded-text": ("yaml", _repeat(" x\n\n", "a: >\n"), "unknown key 'a'"),
    "comments-only": ("yaml", _repeat("#\n"), "is empty"),
    "jobs-of-numbers": ("yaml", _repeat("1,", "jobs: [", "]", 300_000), "holds 149996 items; at most 10000"),
    "jobs-of-nothing": ("yaml", _repeat("{},", "jobs: [", "]", 29_000), "required key 'name' is missing"),
}

_JSON: Mapping[str, tuple[str, Build, str]] = {
    "json-deep-lists": ("json", _repeat("["), _DEEP),
    "json-deep-objects": ("json", _repeat('{"a":'), _DEEP),
    "json-flat-list": ("json", _repeat("1,", "[", "1]"), _MANY),
    "json-empty-lists": ("json", _repeat("[],", "[", "1]"), _MANY),
    "json-one-key-often": ("json", _repeat('"a":1,', "{", '"a":1}', 500_000), "the key 'a' is given twice"),
    "json-digits": ("json", _repeat("9", '{"a":', "}"), "holds a number of more than 4000 digits"),
    "json-quotes": ("json", _repeat('"'), _INVALID),
    "json-escapes": ("json", _repeat('"\\'), _INVALID),
    "json-escaped-quotes": ("json", _repeat('\\"', '{"a":"'), _INVALID),
    "json-colons": ("json", _repeat(":"), _INVALID),
    "json-blanks": ("json", _repeat(" "), _INVALID),
    "json-nan": (
        "json",
        _json(lambda: _configured({f"k{i}": float("nan") for i in range(40_000)})),
        "JSON has no NaN or infinity",
    ),
    "json-infinities": (
        "json",
        lambda: json.dumps(_configured({f"k{i}": 1 for i in range(60_000)})).replace(": 1,", ": 1e999,").encode(),
        "must be a finite number",
    ),
    "unknown-keys": (
        "json",
        _json(lambda: {"jobs": [_job(**{f"key{i}": 1 for i in range(70_000)})]}),
        "unknown key 'key0'",
    ),
    "near-misses": (
        "json",
        _json(lambda: {"jobs": [_job(**{f"nam{i}": 1 for i in range(70_000)})]}),
        "unknown key 'nam0'",
    ),
    "thousands-of-faults": (
        "json",
        _json(lambda: {"jobs": [_job({"a": 1}, nmae=1, strategy_type="bulc", tags=[1, 2])] * 9_000}),
        "more problems",
    ),
    "unknown-components": (
        "json",
        _json(lambda: {"jobs": [_job(*(_component(name=f"c{i}", depends_on=[f"d{i}"]) for i in range(2_000)))]}),
        "the job has no component 'd0'",
    ),
    "endless-cycle": (
        "json",
        _json(
            lambda: {
                "jobs": [_job(*(_component(name=f"c{i}", depends_on=[f"c{(i + 1) % 2000}"]) for i in range(2_000)))]
            }
        ),
        "more …",
    ),
    "many-cycles": (
        "json",
        _json(lambda: {"jobs": [_job(*(_component(name=f"c{i}", depends_on=[f"c{i ^ 1}"]) for i in range(2_000)))]}),
        "form a cycle",
    ),
    "unknown-dataclasses": (
        "json",
        _json(
            lambda: {
                "jobs": [_job(_component(inputs=[f"data{i}" for i in range(1_000)]))],
                "dataclasses": [{"name": f"dta{i}"} for i in range(4_000)],
            }
        ),
        "unknown dataclass 'default/data0'",
    ),
    "one-job-often": ("json", _json(lambda: {"jobs": [{"name": "j"}] * 9_000}), "the job 'j' is defined twice"),
    "too-many-tags": (
        "json",
        _json(lambda: {"jobs": [_job(tags=["k"] * 100_000)]}),
        "holds 100000 items; at most 100 are allowed",
    ),
    "time-zones": (
        "json",
        _json(
            lambda: {
                "jobs": [
                    {
                        "name": f"j{i}",
                        "schedule": {"trigger_type": "cron", "trigger_args": {"hour": 1}, "timezone": f"America/X{i}"},
                    }
                    for i in range(7_000)
                ]
            }
        ),
        "is not a known time zone",
    ),
    "broken-schema": (
        "json",
        _json(
            lambda: {
                "dataclasses": [
                    {
                        "name": "d",
                        "schema_definition": {"properties": {f"k{i}": {"type": "strin"} for i in range(30_000)}},
                    }
                ]
            }
        ),
        "did you mean 'string'",
    ),
    "broken-references": (
        "json",
        _json(lambda: {"dataclasses": [{"name": "d", "schema_definition": {"allOf": [{"$ref": "#/a/b/c"}] * 30_000}}]}),
        "does not exist",
    ),
    "endless-reference": (
        "json",
        _json(lambda: {"dataclasses": [{"name": "d", "schema_definition": {"$ref": "#/" + "a/" * 400_000}}]}),
        "does not exist",
    ),
    "nested-pattern": (
        "json",
        _json(lambda: {"dataclasses": [{"name": "d", "schema_definition": {"pattern": "(" * 490 + ")" * 490}}]}),
        "is not a valid regular expression",
    ),
    "long-pattern": (
        "json",
        _json(lambda: {"dataclasses": [{"name": "d", "schema_definition": {"pattern": "a" * 900_000}}]}),
        "at most 1000 are allowed",
    ),
    "too-many-rules": (
        "json",
        _json(
            lambda: {
                "dataclasses": [
                    {
                        "name": "d",
                        "schema_definition": {"properties": {f"prop{i}": True for i in range(15_000)}},
                        "validation_rules": {f"r{i}": {"type": "required", "field": f"prp{i}"} for i in range(9_000)},
                    }
                ]
            }
        ),
        "holds 9000 items; at most 1000",
    ),
    "deep-configuration": (
        "json",
        lambda: json.dumps(_configured("@")).replace('"@"', '{"a": ' * 17 + "1" + "}" * 17).encode(),
        "is nested more than 16 levels deep",
    ),
}

_TOML: Mapping[str, tuple[str, Build, str]] = {
    "toml-dotted-40k": ("toml", _repeat("a.", after="a=1", size=40_000), _DEEP),
    "toml-dotted": ("toml", _repeat("a.", after="a=1"), _DEEP),
    "toml-dotted-quoted": ("toml", _repeat('"a".', after="a=1"), _DEEP),
    "toml-dotted-spaced": ("toml", _repeat("a . ", after="a=1"), _DEEP),
    "toml-dotted-inline": ("toml", _repeat("a.", "x = {", "a=1}", 40_000), _DEEP),
    "toml-dotted-header": ("toml", _repeat("a.", "[", "a]\nx = 1\n", 40_000), _DEEP),
    "toml-long-headers": ("toml", _each(lambda i: f"[{'a.' * 20}k{i}]\n", 19_000), _WORK),
    "toml-long-keys": ("toml", _each(lambda i: f"{'a.' * 20}k{i} = 1\n", 19_000), _WORK),
    "toml-keys-below-long-header": ("toml", _each(lambda i: f"k{i}=1\n", 100_000, f"[{'a.' * 20}a]\n"), _WORK),
    "toml-deep-lists": ("toml", _repeat("[", "a = "), _DEEP),
    "toml-deep-tables": ("toml", _repeat("{a=", "a = "), _DEEP),
    "toml-digits": ("toml", _repeat("9", "a = "), "is a key or a number of more than 4000 characters"),
    "toml-digits-grouped": ("toml", _repeat("9_", "a = ", "9"), "is a key or a number of more than 4000 characters"),
    "toml-digits-few": ("toml", _repeat("9", "a = ", size=3_990), "unknown key 'a'"),
    "toml-long-bare-key": ("toml", _repeat("k", after=" = 1"), "is a key or a number of more than 4000 characters"),
    "toml-flat-list": ("toml", _repeat("1,", "a = [", "]"), _WORK),
    "toml-flat-keys": ("toml", _each(lambda i: f"k{i}=1\n", 100_001), _WORK),
    "toml-many-tables": ("toml", _repeat("[[a]]\n[[a.b]]\n"), _WORK),
    "toml-quotes": ("toml", _repeat('"'), _INVALID),
    "toml-open-quotes": ("toml", _repeat('a="\n', size=380_000), _INVALID),
    "toml-open-text": ("toml", _repeat('" ', 'a = """'), _INVALID),
    "toml-open-literal": ("toml", _repeat("' ", "a = '''"), _INVALID),
    "toml-open-escapes": ("toml", _repeat("\\\n", 'a = """', size=700_000), _INVALID),
    "toml-carriage-returns": ("toml", _repeat("\r"), _INVALID),
    "toml-comments": ("toml", _repeat("#\n"), "is empty"),
    "toml-blanks": ("toml", _repeat(" "), "is empty"),
    "toml-impossible-date": ("toml", _repeat("0", "a = 2013-02-30T00:00:0", "", 30), _INVALID),
    "toml-nan": (
        "toml",
        lambda: (
            b"[[jobs]]\nname='a'\n[[jobs.components]]\nname='c'\ncomponent_type='t'\nconfiguration.x = [nan, -inf]\n"
        ),
        "must be a finite number",
    ),
}

_BYTES: Mapping[str, tuple[str, Build, str]] = {
    "bytes-utf16": ("yaml", lambda: "jobs: [{name: a}]".encode("utf-16"), "save it as UTF-8"),
    "bytes-utf32": ("json", lambda: b"\0\0\xfe\xff" + '{"a": 1}'.encode("utf-32-be"), "save it as UTF-8"),
    "bytes-nul": ("toml", lambda: b"a = '\0'", "holds a NUL character"),
    "bytes-latin1": ("yaml", lambda: b"name: caf\xe9", "is not UTF-8: byte 0xE9"),
    "bytes-overlong": ("yaml", lambda: b"name: \xc0\xaf", "is not UTF-8: byte 0xC0"),
    "bytes-encoded-surrogate": ("yaml", lambda: b"name: \xed\xa0\x80", "is not UTF-8: byte 0xED"),
    "bytes-high": ("json", lambda: b"\xff" * MEGABYTE, "is not UTF-8"),
    "bytes-escaped-surrogate": ("json", lambda: b'{"jobs": [{"name": "\\ud800"}]}', "U+D800"),
    "bytes-gzip": ("yaml", lambda: b"\x1f\x8b\x08\x00" + b"\0" * 100, "is not UTF-8: byte 0x8B"),
    "bytes-zip": ("json", lambda: b"PK\x03\x04" + b"\0" * 100, "holds a NUL character"),
    "bytes-controls": ("yaml", lambda: b"name: \x07", "U+0007"),
}

BOMBS: Mapping[str, tuple[str, Build, str]] = {**_YAML, **_JSON, **_TOML, **_BYTES}


def _catalogue(count: int) -> dict[str, Any]:
    names = ["extract", "clean", "load"]
    components = [
        _component(
            name=name, depends_on=names[index - 1 : index] if index else [], configuration={"path": "x", "n": index}
        )
        for index, name in enumerate(names)
    ]
    return {
        "jobs": [_job(*components) | {"name": f"job-{i}", "tags": ["daily", {"team": "ops"}]} for i in range(count)]
    }


HEAVY_BUT_VALID: Mapping[str, tuple[str, Build]] = {
    "jobs-json": ("json", _json(lambda: _catalogue(2_000))),
    "jobs-as-yaml": ("yaml", _json(lambda: _catalogue(2_000))),
    "one-wide-job": ("json", _json(lambda: {"jobs": [_job(*(_component(name=f"c{i}") for i in range(2_000)))]})),
    "dense-job": (
        "json",
        _json(
            lambda: {
                "jobs": [_job(*(_component(name=f"c{i}", depends_on=[f"c{k}" for k in range(i)]) for i in range(250)))]
            }
        ),
    ),
    "wide-configuration": ("json", _json(lambda: _configured({f"key{i}": i for i in range(40_000)}))),
    "long-text": (
        "yaml",
        _repeat("x", "jobs: [{name: a, components: [{name: c, component_type: t, configuration: {q: '", "'}}]}]"),
    ),
}
