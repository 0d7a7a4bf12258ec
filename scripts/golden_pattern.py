"""Writes what bash and braceexpand make of brace patterns, for data/pattern.

Run from the repository's root; a pattern on which the two differ is an error.

    python scripts/golden_pattern.py

Made with bash 5.2 and braceexpand 0.1.7.
"""

import json
import pathlib
import subprocess

from braceexpand import braceexpand

ROOT = pathlib.Path(__file__).resolve().parent.parent / "data"

PATTERNS = r"""
part-{00000..00123}.tar
{a,b}/x-{1..3}.tar
plain.tar
a,b
{a}
{}
x{}y
{a}{b,c}
{{a,b}}
{a,{b,c},d}
{a,b{1..3},{c,d}{e,f}}
python{2.{5..7},3.{2,3}}
{a,b,}
{,a}
{,}x
{,,}x
{a,,b}
{1..3,5}
{1..3}{1..3}
{3..1}
{10..8}
{8..10}
{08..10}
{8..010}
{001..3}
{0..3}
{00..3}
{3..00}
{-2..2}
{-02..2}
{2..-002}
{-1..-3}
{-0..2}
{-10..-08}
{0..10..2}
{0..10..3}
{10..0..3}
{1..10..-3}
{10..1..-3}
{1..3..0}
{000..100..25}
{5..5}
{05..5}
{1..5..100}
{a..e}
{e..a}
{a..i..3}
{A..E}
{Z..V..2}
{a..a}
{a..b}{1..2}{x,y}
{ab..cd}
{1..b}
{a..1}
{1...3}
{1..}
{..1}
{1.5..3}
{1..2..3..4}
{9223372036854775806..9223372036854775807}
{train,val}/{000..002}.tar
{a,b}.{jpg,txt,json}
x\{a,b\}y
{a\,b,c}
{a,b\}}
\\{a,b}
a\{{1..2}
{\{,\}}
{1\..3}
-{a,-b}-
{é,ü}/{1..2}
{{1..3},{a..c}}
{a,{{b}},c}
{a{b,c}}
a{b}c{d,e}f
""".strip().split("\n")


def bash(pattern):
    out = subprocess.run(["bash", "-f", "-c", f"printf '%s\\0' {pattern}"], check=True, capture_output=True)
    return out.stdout.decode().split("\0")[:-1]


def main():
    cases = []
    for pattern in PATTERNS:
        words = list(braceexpand(pattern))
        # An unquoted empty word is none to a shell; a letter keeps it.
        shell = [w[1:] for w in bash("_" + pattern)]
        if shell != words:
            raise SystemExit(f"{pattern}: bash {shell}, braceexpand {words}")
        cases.append({"pattern": pattern, "words": words})
    path = ROOT / "pattern/testdata/golden.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
    print(f"{path.relative_to(ROOT.parent)}: {len(cases)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
