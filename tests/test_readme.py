"""What README, START and CONTRIBUTING say is so: sizes as measured, links that lead somewhere, commands that exist."""

import json
import re

import pytest

from offlinefirst.course.lessons import course_root
from offlinefirst.device import profiles

ROOT = course_root()
README = (ROOT / "README.md").read_text("utf-8")
TIERS = json.loads((ROOT / "requirements/sizes.json").read_text("utf-8"))["platforms"]["linux-x86_64"]["tiers"]
PAGES = ["README.md", "START.md", "CONTRIBUTING.md"]
VERBS = {"setup", "lab", "test", "build", "doctor", "data"}


def test_the_sizes_are_those_measured():
    megabytes = {name: round(tier["download"] / 1e6) for name, tier in TIERS.items()}
    disk = {name: tier["disk"] / 1e6 for name, tier in TIERS.items()}
    assert f"| {megabytes['core']} MB | {disk['core']:.0f} MB |" in README
    assert f"| {megabytes['full']} MB | {disk['full'] / 1000:.1f} GB |" in README
    assert f"| {megabytes['dev']} MB more | {disk['dev']:.0f} MB more |" in README


def test_the_budgets_hold():
    assert TIERS["core"]["download"] < 150e6
    assert TIERS["full"]["download"] < 820e6


def test_the_times_follow_from_the_sizes_and_the_slowest_link():
    bits_per_second = profiles.load("phone-2gb").link.bandwidth_bps
    core, full = (TIERS[name]["download"] * 8 / bits_per_second for name in ("core", "full"))
    assert f"core tier takes {core / 60:.0f} minutes and the full tier\n{full / 3600:.1f} hours" in README


def test_the_benchmark_figures_are_those_measured_and_wanted():
    rows = re.findall(r"`(\w+)`[^|\n]*\| (?:at (most|least) ([\d.,]+)|reported) \| ([\d.,]+) \|", README)
    assert len(rows) >= 6
    metrics = {}
    for path in (ROOT / "benchmarks/results").glob("*.json"):
        metrics |= json.loads(path.read_text("utf-8"))["metrics"]
    for name, side, wanted, told in rows:
        digits = len(told.partition(".")[2])
        assert f"{metrics[name]:,.{digits}f}" == told, name
        if not side:
            continue
        limit = float(wanted.replace(",", ""))
        assert metrics[name] <= limit if side == "most" else metrics[name] >= limit, name
    margins = re.findall(r"`(\w+)_points`[^|\n]*\(margin ([\d.]+)\)", README)
    assert len(margins) == 2
    for name, told in margins:
        assert f"{metrics[f'{name}_margin']:.1f}" == told, name


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    prose = re.sub(r"`[^`]*`", "", (ROOT / page).read_text("utf-8"))
    for target in re.findall(r"\]\(([^)#\s]+)", prose):
        assert target.startswith("https://") or (ROOT / target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist(page):
    used = re.findall(r"course\.py +(?!\b(?:and|in|is|has|or)\b)([a-z]+)", (ROOT / page).read_text("utf-8"))
    assert used
    assert set(used) <= VERBS


@pytest.mark.parametrize("page", PAGES)
def test_images_have_alt_text(page):
    for alt, _ in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", (ROOT / page).read_text("utf-8")):
        assert len(alt) > 30 or page == "CONTRIBUTING.md"


def test_the_start_page_tells_the_devices_as_they_are():
    start = (ROOT / "START.md").read_text("utf-8")
    for name in profiles.names():
        profile = profiles.load(name)
        assert f"`{name}`" in start
        cores = {1: "one core", 2: "two cores"}[profile.cores]
        assert f"{cores}, {profile.app_memory_bytes // 2**30} GB for your app" in start
