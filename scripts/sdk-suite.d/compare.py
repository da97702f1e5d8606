"""Compares what passed directly with what passed through the gateway, and lists what the gateway broke.

    compare.py FOLDER --list FILE

In FOLDER are pytest's reports, ROUND-direct.xml and ROUND-gateway.xml. Exits 1 if a test failed through the gateway that
did not directly.
"""

import argparse
import collections
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

MOST_SHOWN = 60


def outcomes(report):
    """What became of each test: `passed`, `failed` or `skipped`."""
    found = {}
    for case in xml.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        found[f"{case.get('classname')}::{case.get('name')}"] = outcome
    return found


def count(found):
    return collections.Counter(found.values())


def tell(name, direct, gateway):
    through = count(gateway)
    line = f"{name}: through the gateway {through['passed']} of {len(gateway) - through['skipped']} passed"
    if direct:
        line += f"; directly {count(direct)['passed']} of {len(direct) - count(direct)['skipped']}"
    print(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--list", type=Path, required=True)
    options = parser.parse_args()

    all_direct, all_gateway = {}, {}
    for report in sorted(options.folder.glob("*-gateway.xml")):
        name = report.stem.removesuffix("-gateway")
        other = report.with_name(f"{name}-direct.xml")
        direct, gateway = outcomes(other) if other.exists() else {}, outcomes(report)
        tell(name, direct, gateway)
        all_direct.update(direct)
        all_gateway.update(gateway)
    tell("all", all_direct, all_gateway)

    # A test that was not run directly counts as one that passed there.
    broken = sorted(
        test
        for test in {*all_direct, *all_gateway}
        if all_gateway.get(test, "failed") == "failed" and all_direct.get(test, "passed") == "passed"
    )
    options.list.write_text("".join(f"{test}\n" for test in broken))
    print(f"broken by the gateway: {len(broken)}" + (f" (listed in {options.list})" if broken else ""))
    if len(broken) <= MOST_SHOWN:
        for test in broken:
            print(f"  {test}")
    else:
        for file, tests in sorted(collections.Counter(test.split("::")[0].rpartition(".")[0] for test in broken).items()):
            print(f"  {tests:5} in {file.removeprefix('tests.api_resources.')}")

    every = count(all_gateway)
    print(f"{every['passed']} passed, {every['failed']} failed, {every['skipped']} skipped")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
