"""pyproject.toml, the locks, environment.yml and the measured sizes say the same."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import lock as lock_tool
from tools import sizes as sizes_tool

ROOT = Path(__file__).parents[2]
PLATFORMS = {
    "linux-x86_64": {"sys_platform": "linux", "platform_machine": "x86_64", "os_name": "posix"},
    **{name: markers for name, (_, markers) in sizes_tool.OTHERS.items()},
}
PYTHONS = ["3.11.0", "3.11.9", "3.12.4", "3.13.1"]


def lock_lines(name: str, root: Path = ROOT) -> list[str]:
    text = (root / "requirements" / f"{name}.txt").read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def pins(lines: list[str], platform: str, python: str) -> dict[str, str]:
    """{package: version} that a lock means on a platform and Python."""
    environment = PLATFORMS[platform] | {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    found: dict[str, str] = {}
    for requirement in map(Requirement, lines):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = canonicalize_name(requirement.name)
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", f"{requirement} is not a pin"
            assert name not in found, f"{name} is pinned twice for {platform} and Python {python}"
            found[name] = specifier.version
    return found


def unmet(dependencies: list[str], pinned: dict[str, str], platform: str, python: str) -> list[str]:
    """The dependencies that the pins leave out or do not satisfy."""
    environment = PLATFORMS[platform] | {"python_full_version": python, "python_version": python.rpartition(".")[0]}
    wanted = [one for one in map(Requirement, dependencies) if one.marker is None or one.marker.evaluate(environment)]
    return [
        f"{one} (pinned: {pinned.get(canonicalize_name(one.name))})"
        for one in wanted
        if not one.specifier.contains(pinned.get(canonicalize_name(one.name), "0.invalid0"), prereleases=True)
    ]


def disagreements(core: list[str], full: list[str], dev: list[str], project: dict) -> list[str]:
    """What is wrong between the three locks and the dependencies in pyproject.toml."""
    wrong = []
    extras = project["optional-dependencies"]
    for platform in PLATFORMS:
        for python in PYTHONS:
            small, large, tools = (pins(lines, platform, python) for lines in (core, full, dev))
            wrong += unmet(project["dependencies"], small, platform, python)
            wrong += unmet(project["dependencies"] + extras["full"], large, platform, python)
            wrong += unmet(extras["dev"], small | tools, platform, python)
            wrong += [f"full lacks {one}" for one in small.items() - large.items()]
            wrong += [f"dev differs on {one}" for one in tools if large.get(one, tools[one]) != tools[one]]
    return wrong


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_locks_agree_with_pyproject_and_with_each_other(project: dict) -> None:
    assert disagreements(lock_lines("core"), lock_lines("full"), lock_lines("dev"), project) == []


@pytest.mark.parametrize(
    ("lock", "before", "after", "said"),
    [
        ("core", r"^httpx==.*\n", "", "httpx"),
        ("core", r"^rich==.*", "rich==1.0", "rich"),
        ("full", r"^torch==.*", "torch==2.12.0", "torch"),
        ("full", r"^tqdm==.*", "tqdm==9.9", "full lacks"),
        ("dev", r"^setuptools==.*", "setuptools==1.0", "dev differs on setuptools"),
        ("dev", r"^pytest==.*\n", "", "pytest"),
    ],
)
def test_a_lock_that_is_out_of_step_is_found(project: dict, lock: str, before: str, after: str, said: str) -> None:
    lines = {name: lock_lines(name) for name in ("core", "full", "dev")}
    changed = re.sub(before, after + "\n" if after else "", "\n".join(lines[lock]) + "\n", flags=re.MULTILINE)
    lines[lock] = [line for line in changed.splitlines() if line]
    assert said in " ".join(disagreements(*lines.values(), project))


def cuda_packages(lines: list[str]) -> list[str]:
    return [line for line in lines if re.match(r"nvidia|cuda|triton|cupy|torch[^;]*\+(cu|rocm)", line, re.IGNORECASE)]


@pytest.mark.parametrize("lock", ["core", "full", "dev"])
def test_no_lock_names_cuda(lock: str) -> None:
    assert cuda_packages(lock_lines(lock)) == []


def test_a_cuda_package_would_be_found() -> None:
    bad = ["nvidia-cublas==13.1", "triton==3.4", "cuda-bindings==13.0", "torch==2.13.0+cu130"]
    assert cuda_packages([*bad, "torch==2.13.0", "pycrdt==0.14"]) == bad


def pip_section(environment: dict) -> list[str]:
    return next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))


def test_conda_gets_the_pins_of_the_full_tier() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    section = pip_section(environment)
    # conda lets pip add dependencies, and tf-keras asks for `tensorflow`: beside tensorflow-cpu, the same files twice
    expected = [line for line in lock_lines("full") if not line.startswith("tensorflow-cpu==")]
    expected = [line.partition(" ;")[0] if line.startswith("tensorflow==") else line for line in expected]
    assert sorted(line for line in section if not line.startswith("-")) == sorted(expected)
    assert [line for line in section if line.startswith("-")] == [f"--extra-index-url {lock_tool.CPU_WHEELS}", "-e ."]
    assert "python=3.11" in environment["dependencies"]


def test_the_conda_route_is_generated_from_the_full_lock() -> None:
    lines: dict[str, str] = {}
    for line in lock_lines("full"):
        name = re.split(r"[=\[ ]", line)[0]
        lines[name] = f"{lines[name]}\n{line}" if name in lines else line
    assert lock_tool.environment_yml(lines) == (ROOT / "environment.yml").read_text("utf-8")


@pytest.fixture(scope="module")
def sizes() -> dict:
    return json.loads((ROOT / "requirements" / "sizes.json").read_text("utf-8"))


def test_sizes_were_measured_for_these_locks(sizes: dict) -> None:
    assert sizes["locks"] == sizes_tool.lock_hashes(), "run tools/sizes.py"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_sizes_cover_each_package_and_add_up(sizes: dict, platform: str) -> None:
    entry = sizes["platforms"][platform]
    assert entry["measured"] == (platform == "linux-x86_64")
    for tier, total in entry["tiers"].items():
        chosen = [entry["packages"][name] for name in pins(lock_lines(tier), platform, "3.11.7")]
        assert total["packages"] == len(chosen)
        assert total["download"] == sum(one["download"] for one in chosen)
        assert total["disk"] == sum(one["disk"] for one in chosen)


@pytest.mark.parametrize(("tier", "budget"), sizes_tool.BUDGET_MB.items())
def test_a_tier_stays_inside_its_budget(sizes: dict, tier: str, budget: int) -> None:
    for platform in PLATFORMS:
        assert sizes["platforms"][platform]["tiers"][tier]["download"] < budget * 1_000_000, platform
