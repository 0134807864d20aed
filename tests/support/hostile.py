"""Strings that break programs: what a text field must refuse with a clear error, or give back exactly as it was.

``HOSTILE`` maps a short ASCII label to the string; labels are test ids. Nothing here is expected of the outcome: a test
knows whether its field is a name (few characters allowed) or free text (nearly all).
"""

from __future__ import annotations

import unicodedata
from itertools import product

_CONTROLS = {
    **{f"c0-{code:02x}": f"a{chr(code)}b" for code in range(0x20)},
    "del": "a\x7fb",
    **{f"c1-{code:02x}": f"a{chr(code)}b" for code in (0x80, 0x85, 0x90, 0x9B, 0x9F)},
    "nul-only": "\x00",
    "nul-first": "\x00name",
    "nul-last": "name\x00",
    "crlf": "line one\r\nline two",
    "lf-last": "name\n",
    "cr-last": "name\r",
    "log-forging": "load\n2026-01-01 00:00:00 INFO all is well",
    "header-injection": "x\r\nSet-Cookie: a=b",
}

_TERMINAL = {
    "ansi-red": "\x1b[31mred\x1b[0m",
    "ansi-clear": "\x1b[2J\x1b[H",
    "osc-title": "\x1b]0;title\x07",
    "osc-link": "\x1b]8;;http://example.com\x1b\\text\x1b]8;;\x1b\\",
    "csi-c1": "\x9b31mred",
    "backspaces": "secret\b\b\b\b\b\bpublic",
    "rich-markup": "[bold red]text[/bold red]",
    "rich-unclosed": "[/]",
    "rich-link": "[link=http://example.com]x[/link]",
}

_SURROGATES = {
    "surrogate-high": "a\ud800b",
    "surrogate-low": "a\udc00b",
    "surrogate-only": "\udfff",
    "surrogate-reversed": "\udc00\ud800",
    "surrogate-escape": b"caf\xe9".decode("utf-8", "surrogateescape"),
    # A pair that JSON would join to one character: no Python text that came from UTF-8 holds it.
    "surrogate-pair": "\ud83d\ude00",
}

_INVISIBLE = {
    **{
        f"bidi-{code:04x}": f"a{chr(code)}b"
        for code in (0x061C, 0x200E, 0x200F, 0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069)
    },
    "bidi-file-name": "invoice\u202egpj.exe",
    "zero-width-space": "a\u200bb",
    "zero-width-joiner": "a\u200db",
    "zero-width-non-joiner": "a\u200cb",
    "word-joiner": "a\u2060b",
    "byte-order-mark": "\ufeffname",
    "soft-hyphen": "a\u00adb",
    "line-separator": "a\u2028b",
    "paragraph-separator": "a\u2029b",
    "interlinear": "a\ufff9b\ufffac\ufffb",
    "tag-characters": "a\U000e0041\U000e007f",
    "variation-selector": "a\ufe0fb",
    "hangul-filler": "\u3164",
    "braille-blank": "\u2800",
    "combining-grapheme-joiner": "a\u034fb",
}

_BLANKS = {
    "empty": "",
    "blank": " ",
    "blanks": "   ",
    "leading-blank": " lead",
    "trailing-blank": "trail ",
    "leading-tab": "\tlead",
    "no-break-space": "\u00a0lead",
    "no-break-inside": "a\u00a0b",
    "ideographic-space": "a\u3000",
    "en-quad": "\u2000a",
    "ogham-space": "a\u1680",
    "double-blank": "a  b",
}

_SCRIPTS = {
    "two-bytes": "Zürich",
    "three-bytes": "日本語",
    "four-bytes": "𝒳𝓎𝓏",
    "four-bytes-han": "𠮷野家",
    "emoji": "😀",
    "emoji-zwj": "👩‍💻",
    "emoji-family": "👨‍👩‍👧‍👦",
    "emoji-flag": "🇨🇭",
    "emoji-skin": "👍🏽",
    "emoji-keycap": "1️⃣",
    "arabic": "تحميل الرحلات",
    "hebrew": "טעינה",
    "mixed-direction": "load טעינה 1",
    "devanagari": "क्षत्रिय",
    "persian-zwnj": "می\u200cخواهم",
    "thai": "ที่นี่",
    "cyrillic-lookalike": "lоad",
    "greek-final-sigma": "ΌΣΟΣ",
    "turkish-dotless": "ıIİi",
    "sharp-s": "Straße",
    "fullwidth": "ｌｏａｄ",
    "ligature": "ﬁle",
    "circled": "①",
    "math-digits": "𝟙𝟚",
    "roman-numeral": "Ⅷ",
    "nfc": unicodedata.normalize("NFC", "café"),
    "nfd": unicodedata.normalize("NFD", "café"),
    "nfd-hangul": unicodedata.normalize("NFD", "한글"),
    "angstrom-sign": "\u212b",
    "ohm-sign": "\u2126",
    "combining-first": "\u0301a",
    "combining-stack": "Z" + "\u0335\u0321\u0489" * 30,
    "private-use": "\ue000",
    "private-use-plane-16": "\U00100000",
    "non-character": "\ufffe",
    "non-character-high": "\U0010ffff",
    "unassigned": "\u0378",
    "replacement": "\ufffd",
}

_CASES = {"upper": "LOAD", "lower": "load", "accented": "lóad", "accented-upper": "LÓAD"}

_QUERIES = {
    "sql-drop": "x'; DROP TABLE etl_job; --",
    "sql-or": "' OR '1'='1",
    "sql-union": '" UNION SELECT * FROM etl_job --',
    "sql-comment": "x /* y */ -- z",
    "sql-percent-s": "100%s",
    "sql-percent-d": "%(name)s",
    "sql-named": ":name",
    "sql-question": "name = ?",
    "sql-dollar": "$1",
    "sql-dollar-quote": "$$x$$",
    "sql-unicode-escape": "U&'\\0041'",
    "sql-hex": "0x6c6f6164",
    "like-percent": "%",
    "like-underscore": "_",
    "like-both": "a%b_c",
    "like-escape": "a\\%b",
    "like-escape-other": "a!%b",
    "glob": "*?[a-z]",
    "regex": "(a+)+$",
}

_QUOTES = {
    "single-quote": "it's",
    "double-quote": 'say "x"',
    "backtick": "`x`",
    "backslash": "a\\b",
    "backslash-last": "a\\",
    "backslash-n": "a\\nb",
    "backslash-zero": "a\\0b",
    "backslash-u": "\\u0041",
    "backslash-u-nul": "\\u0000",
    "backslash-surrogate": "\\ud800",
    "quotes-all": "'\"`´’“”«»",
    "semicolon": "a;b",
}

_TEMPLATES = {
    "shell-dollar": "$(id)",
    "shell-backtick": "`id`",
    "shell-pipe": "a | b && c",
    "shell-home": "~",
    "shell-variable": "${HOME}",
    "windows-variable": "%PATH%",
    "format-brace": "{0.__class__}",
    "format-open": "{",
    "format-close": "}",
    "jinja": "{{ 7*7 }}",
    "percent-n": "%n%n",
    "html": "<script>alert(1)</script>",
    "html-attribute": '" onmouseover="x',
    "xml-entity": "&lt;",
    "xml-cdata": "]]>",
    "csv-formula": "=1+1",
    "csv-at": "@SUM(A1)",
    "csv-plus": "+1",
    "csv-comma-quote": 'a,"b"',
    "yaml-alias": "*anchor",
    "yaml-anchor": "&anchor",
    "yaml-tag": "!!python/object:os.system",
    "yaml-comment": "a #b",
    "yaml-colon": "a: b",
    "yaml-document": "---",
    "yaml-merge": "<<",
    "json-object": '{"a": 1}',
    "ini-section": "[section]",
    "url": "http://user:pass@example.com/?q=1#f",
    "jndi": "{jndi:ldap://example.com/a}",
}

_WORDS = {
    **{f"word-{word}": word for word in ("null", "NULL", "None", "nil", "undefined", "true", "no", "nan", "inf")},
    "minus-infinity": "-inf",
    "number": "42",
    "number-zero-first": "007",
    "number-octal": "0o17",
    "number-float": "1e309",
    "number-minus-zero": "-0",
    "date": "2013-02-01",
    "sexagesimal": "12:30:45",
    "option": "--help",
    "option-short": "-o",
    "stdin": "-",
    "response-file": "@file",
    "id-like": "00000000-0000-0000-0000-000000000000",
    "python-dunder": "__class__",
    "prototype": "__proto__",
}

_PATHS = {
    "slash": "a/b",
    "slash-first": "/a",
    "slash-last": "a/",
    "slash-only": "/",
    "dots": "..",
    "dot": ".",
    "traversal": "../../etc/passwd",
    "windows-path": "C:\\temp\\x",
    "windows-device": "CON",
    "dotted": "a.b.c",
    "equals": "a=b",
    "at": "a@1",
    "colon": "a:b",
    "hash": "a#b",
}

_LONG = {
    f"{label}-{length}": (unit * length)[:length]
    for (label, unit), length in product(
        {"ascii": "a", "four-byte": "𝒳", "accent": "é"}.items(), (100, 101, 255, 256, 1000, 10_000, 10_001, 100_000)
    )
} | {"long-blanks": " " * 5000, "long-lines": "x\n" * 4000, "long-quotes": "'" * 3000}

HOSTILE: dict[str, str] = {
    **_CONTROLS,
    **_TERMINAL,
    **_SURROGATES,
    **_INVISIBLE,
    **_BLANKS,
    **_SCRIPTS,
    **_CASES,
    **_QUERIES,
    **_QUOTES,
    **_TEMPLATES,
    **_WORDS,
    **_PATHS,
    **_LONG,
}
