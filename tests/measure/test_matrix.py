"""A matrix measures in rounds, keeps why a cell is empty, and goes through JSON and back."""

import json

import pytest
import tiny_onnx
from made import report

from offlinefirst.measure import matrix as matrix_module
from offlinefirst.measure.errors import ChildMemoryError, MeasurementError, ReportError
from offlinefirst.measure.matrix import METRICS, Matrix, matrix
from offlinefirst.measure.report import Report

WHY = "ChildMemoryError: large does not fit"


@pytest.fixture
def asked(monkeypatch):
    """What was measured, in order; "large" fits on nothing smaller than a laptop."""
    calls = []

    def bench(path, *, profile, **options):
        calls.append((path, profile))
        if path == "large.onnx" and profile != "laptop-4gb":
            raise ChildMemoryError("large does not fit\nand more that nobody reads in a table")
        return report(2.0 if path == "large.onnx" else 1.0, profile=profile, model=path)

    monkeypatch.setattr(matrix_module, "bench", bench)
    return calls


MODELS = {"small": "small.onnx", "large": "large.onnx"}


def made(asked, **options):
    return matrix(MODELS, ["phone-2gb", "laptop-4gb"], quality={"small": 0.7, "large": 0.9}, **options)


def test_rounds_go_forth_and_back_and_a_cell_that_failed_is_not_tried_again(asked):
    told = []
    found = made(asked, rounds=2, progress=lambda *words: told.append(words))
    forth = [(path, profile) for path in MODELS.values() for profile in ("phone-2gb", "laptop-4gb")]
    assert asked == [*forth, *[cell for cell in forth[::-1] if cell != ("large.onnx", "phone-2gb")]]
    assert told[0] == ("small", "phone-2gb", 0, 8)
    assert [words[2] for words in told] == list(range(8))
    assert len(found.report("small", "phone-2gb").runs) == 2
    assert found.failures == {("large", "phone-2gb"): WHY}


def test_a_model_may_have_options_of_its_own_in_the_place_of_those_for_all(monkeypatch):
    given = {}

    def bench(path, *, profile, **options):
        given[path, profile] = options
        return report(1.0, profile=profile, model=path)

    monkeypatch.setattr(matrix_module, "bench", bench)
    own = {"large": {"runner": "litert", "threads": 2}}
    found = matrix(MODELS, ["phone-2gb", "laptop-4gb"], rounds=1, own=own, threads=1, min_seconds=0.1)
    for profile in ("phone-2gb", "laptop-4gb"):
        assert given["small.onnx", profile] == {"threads": 1, "min_seconds": 0.1}
        assert given["large.onnx", profile] == {"threads": 2, "min_seconds": 0.1, "runner": "litert"}
    assert not found.failures


def test_tables_have_numbers_in_units_and_holes_where_nothing_ran(asked):
    found = made(asked, rounds=1)
    table = found.table("p95")
    assert (table.unit, table.models, table.profiles) == ("ms", ("small", "large"), ("phone-2gb", "laptop-4gb"))
    assert table.values[0] == pytest.approx((95.05, 95.05))
    assert table.values[1] == (None, pytest.approx(190.1))
    assert str(table).splitlines() == [
        "p95, ms  phone-2gb  laptop-4gb",
        "small           95          95",
        "large            -         190",
    ]
    assert found.table("load").values[0][0] == pytest.approx(20)
    assert found.table("first").values[0][0] == pytest.approx(5)
    assert found.table("p50").values[0][0] == pytest.approx(50.5)
    assert found.table("peak_rss").values[0][0] == pytest.approx(70_000_000 / 2**20)
    assert (found.table("raw").values[0][0], found.table("compressed").values[0][0]) == (2, 1)
    assert found.table("quality").values == ((0.7, 0.7), (None, 0.9))
    text = found.text()
    assert f"large on phone-2gb: {WHY}" in text
    assert all(metric.title in text for metric in METRICS.values())
    with pytest.raises(MeasurementError, match="no metric is called 'speed'; choose one of load, first"):
        found.table("speed")
    with pytest.raises(MeasurementError, match=f"large on phone-2gb: {WHY}"):
        found.report("large", "phone-2gb")


def test_it_goes_through_json_and_back(asked):
    found = made(asked)
    assert Matrix.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda table: table.pop("cells"), "KeyError: 'cells'"),
        (lambda table: table["cells"].pop(), "its cells are not those"),
        (lambda table: table["cells"][0].pop("report"), "KeyError: 'report'"),
        (lambda table: table["cells"][0]["report"].pop("threads"), "small on phone-2gb is damaged: threads missing"),
        (lambda table: table["cells"].append(3), "TypeError"),
        (lambda table: table.update(quality={"small": "good"}), "ValueError"),
        (lambda table: table.update(schema=None), "names no schema"),
    ],
)
def test_a_damaged_matrix_is_named(asked, damage, says):
    table = json.loads(made(asked).to_json())
    damage(table)
    with pytest.raises(ReportError, match=rf"^field\.json.*{says}"):
        Matrix.from_json(json.dumps(table), name="field.json")


def test_a_newer_schema_is_refused(asked):
    table = {**json.loads(made(asked).to_json()), "schema": 99}
    with pytest.raises(ReportError, match=r"the schema 99.*Update"):
        Matrix.from_json(json.dumps(table))


@pytest.mark.parametrize(
    ("models", "profiles", "options", "says"),
    [
        ({}, ["phone-2gb"], {}, "at least one model"),
        (MODELS, [], {}, "at least one"),
        (MODELS, ["phone-2gb"], {"rounds": 0}, "one round"),
        (MODELS, ["phone-2gb"], {"quality": {"leaf": 1.0}}, "leaf, which is no model of this matrix"),
        (MODELS, ["phone-2gb"], {"own": {"leaf": {}}}, "options are given for leaf, which is no model of this matrix"),
        (MODELS, ["phone-2gb"], {"own": {"small": {"profile": "host"}}}, "small: profile is the matrix's own"),
        (MODELS, ["phone-2gb"], {"processes": 3}, "processes is the matrix's own"),
    ],
)
def test_nothing_to_measure_is_an_error(asked, models, profiles, options, says):
    with pytest.raises(MeasurementError, match=says):
        matrix(models, profiles, **options)
    assert asked == []


def test_one_file_under_two_runners(tmp_path):
    (tmp_path / "relu.onnx").write_bytes(tiny_onnx.relu())
    (tmp_path / "mine.py").write_text("def load(path):\n    return lambda: None\n")
    models = {name: tmp_path / "relu.onnx" for name in ("engine", "mine")}
    own = {"mine": {"runner": f"{tmp_path / 'mine.py'}:load"}}
    found = matrix(models, ["phone-2gb"], rounds=2, own=own, min_seconds=0.0, min_calls=3)
    runners = [found.report(name, "phone-2gb").runner for name in models]
    assert runners == ["onnxruntime", "mine.py:load"]


def test_real_models_on_real_profiles_and_one_that_is_none(tmp_path):
    for name, data in (("relu", tiny_onnx.relu()), ("broken", tiny_onnx.relu()[:30])):
        (tmp_path / f"{name}.onnx").write_bytes(data)
    models = {name: tmp_path / f"{name}.onnx" for name in ("relu", "broken", "gone")}
    found = matrix(models, ["phone-2gb", "nokia"], rounds=2, min_seconds=0.0, min_calls=3)
    assert isinstance(found.cells["relu", "phone-2gb"], Report)
    assert len(found.report("relu", "phone-2gb").runs) == 2
    assert found.failures["broken", "phone-2gb"].startswith("ModelFileError: broken.onnx cannot be loaded")
    assert "gone.onnx does not exist" in found.failures["gone", "phone-2gb"]
    assert found.failures["relu", "nokia"].startswith("UnknownProfileError: no device is called 'nokia'")
