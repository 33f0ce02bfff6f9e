"""Planning and loading translators: arithmetic against real models, damaged folders, and a hub whose link fails."""

import dataclasses
import json
import shutil

import httpx
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from offlinefirst.course.lessons import course_root  # noqa: E402
from offlinefirst.datasets.places import FOLDER_VARIABLE  # noqa: E402
from offlinefirst.device.profiles import Link, load  # noqa: E402
from offlinefirst.link import PracticeServer, faults  # noqa: E402
from offlinefirst.models import hub  # noqa: E402
from offlinefirst.models.distill import DistillError, new_student, translate  # noqa: E402
from offlinefirst.models.nllb import KNOWN, NllbError, Shape, load_nllb, plan_nllb  # noqa: E402

SHIPPED = course_root() / "datasets" / "models" / "translation"
NAME = "someone/tiny-nllb"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A checkpoint of the kind that a hub serves, small enough to serve often."""
    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = transformers.AutoTokenizer.from_pretrained(SHIPPED / "teacher")
    torch.manual_seed(0)
    model = new_student(tokenizer, width=16, encoder_layers=2, decoder_layers=1, heads=2, feed_forward=24)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def copied(tiny, tmp_path):
    return shutil.copytree(tiny, tmp_path / "copy")


@pytest.mark.parametrize(
    "sizes",
    [
        {"encoder_layers": 2, "decoder_layers": 1, "encoder_ffn_dim": 24, "decoder_ffn_dim": 40, "d_model": 16},
        {"encoder_layers": 1, "decoder_layers": 3, "encoder_ffn_dim": 7, "decoder_ffn_dim": 5, "d_model": 8},
    ],
)
def test_the_parameter_count_is_exact(sizes):
    config = transformers.M2M100Config(vocab_size=51, **sizes)
    config.encoder_attention_heads = config.decoder_attention_heads = 2
    model = transformers.M2M100ForConditionalGeneration(config)
    assert Shape.of(config.to_dict()).parameters == sum(values.numel() for values in model.parameters())


def test_the_real_checkpoints_have_the_weights_that_their_names_say():
    assert KNOWN["facebook/nllb-200-distilled-600M"].parameters == pytest.approx(615e6, rel=0.002)
    assert KNOWN["facebook/nllb-200-distilled-1.3B"].parameters == pytest.approx(1.37e9, rel=0.002)


def test_a_plan_is_arithmetic():
    phone = load("phone-2gb")
    plan = plan_nllb("facebook/nllb-200-distilled-600M", profile=phone)
    gigabytes = plan.download_bytes / 1e9
    assert gigabytes == pytest.approx(2.48, abs=0.01)
    assert plan.price_usd == pytest.approx(3 * gigabytes)
    assert plan.work_hours == pytest.approx(20 * gigabytes)
    assert plan.link_hours == pytest.approx(8e9 * gigabytes / 500_000 / 3600, rel=1e-3)
    assert plan.waiting_hours == pytest.approx(plan.link_hours / 0.6)
    assert (plan.fits["float32"], plan.fits["int8"], plan.fits_storage) == (False, True, False)
    for words in ("2.3 GiB, 7.45 USD, 49.6 hours of work", "cannot fit", "may fit", "does not fit into"):
        assert words in str(plan)


def test_a_plan_on_another_link():
    plan = plan_nllb(
        "teacher", profile=load("phone-2gb"), link=Link(name="market", bandwidth_bps=80_000, latency_s=0, uptime=0.5)
    )
    assert plan.link_hours == pytest.approx(plan.download_bytes / 10_000 / 3600)
    assert plan.waiting_hours == pytest.approx(2 * plan.link_hours)
    assert "(market)" in str(plan)
    assert "load_nllb uses float32" in str(plan)


def test_a_plan_on_the_host_knows_no_price():
    plan = plan_nllb("teacher")
    assert plan.price_usd is None
    assert plan.link_hours is None
    assert "USD" not in str(plan)


def test_a_plan_reads_the_configuration_and_nothing_else(copied):
    size = (copied / "model.safetensors").stat().st_size
    (copied / "model.safetensors").write_bytes(b"\0" * size)
    plan = plan_nllb(copied, profile=load("phone-2gb"))
    assert plan.parameters == Shape.of(json.loads((copied / "config.json").read_text())).parameters
    assert plan.download_bytes > size


@pytest.mark.parametrize("name", ["teacher", "student"])
def test_the_shipped_ones_load_and_are_as_described(name):
    about = json.loads((SHIPPED / "about.json").read_text("utf-8"))["models"][name]
    model, tokenizer = load_nllb(name)
    assert sum(values.numel() for values in model.parameters()) == about["parameters"]
    assert plan_nllb(name).parameters == about["parameters"]
    assert (SHIPPED / name / "model.safetensors").stat().st_size == about["bytes"]
    assert translate(model, tokenizer, ["they will not check her field"]) == ["hawatakagua shamba lake"]


def test_a_folder_loads(tiny):
    model, tokenizer = load_nllb(tiny)
    assert model.config.d_model == 16
    assert (tokenizer.src_lang, tokenizer.tgt_lang) == ("eng_Latn", "swh_Latn")
    assert not model.training


def test_older_weights_load(copied):
    model, _ = load_nllb(copied)
    torch.save(model.state_dict(), copied / "pytorch_model.bin")
    (copied / "model.safetensors").unlink()
    again, _ = load_nllb(copied)
    assert all(torch.equal(values, again.state_dict()[name]) for name, values in model.state_dict().items())
    whole = (copied / "pytorch_model.bin").read_bytes()
    (copied / "pytorch_model.bin").write_bytes(whole[:-100])
    with pytest.raises(NllbError, match=r"pytorch_model\.bin is cut short"):
        load_nllb(copied)


def _cut(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-64])


def _cut_head(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:200])


def _empty(folder):
    (folder / "model.safetensors").write_bytes(b"")


def _lost(folder):
    (folder / "model.safetensors").rename(folder / "model.safetensors.part")


def _no_config(folder):
    (folder / "config.json").unlink()


def _broken_config(folder):
    (folder / "config.json").write_text('{"model_type": "m2m_100", ')


def _another_kind(folder):
    (folder / "config.json").write_text('{"model_type": "bert"}')


def _impossible(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"d_model": -16}))


def _no_words(folder):
    (folder / "tokenizer.json").unlink()


def _broken_words(folder):
    (folder / "tokenizer.json").write_text("{")


def _other_weights(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"encoder_layers": 3}))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_cut, "it was cut short"),
        (_cut_head, "its head is cut"),
        (_empty, "no safetensors file"),
        (_lost, r"model\.safetensors\.part is a download to go on with"),
        (_no_config, r"config\.json is missing"),
        (_broken_config, r"config\.json cannot be read"),
        (_another_kind, "'bert', not 'm2m_100'"),
        (_impossible, "d_model is -16"),
        (_no_words, r"no tokenizer\.json"),
        (_broken_words, "the tokenizer in"),
        (_other_weights, "lack 16 tensors"),
    ],
)
def test_a_damaged_folder_is_refused(copied, damage, says):
    damage(copied)
    with pytest.raises(NllbError, match=says):
        load_nllb(copied)


def test_weights_that_are_no_numbers_are_refused(copied):
    model, _ = load_nllb(copied)
    with torch.no_grad():
        model.model.decoder.layers[0].fc2.bias[3] = float("inf")
    model.save_pretrained(copied)
    with pytest.raises(DistillError, match=r"decoder\.layers\.0\.fc2\.bias are no finite"):
        load_nllb(copied)


def test_an_unknown_language_is_told_before_the_weights_are_read(copied):
    size = (copied / "model.safetensors").stat().st_size
    with pytest.raises(NllbError, match=r"no language 'hau_Latn'; it knows eng_Latn, swh_Latn"):
        load_nllb(copied, target="hau_Latn")
    assert (copied / "model.safetensors").stat().st_size == size


@pytest.mark.parametrize("name", ["nllb", "a/b/c", "../models", "a\\b/c"])
def test_a_name_that_is_none(name, tmp_path):
    with pytest.raises(NllbError, match=r"is no folder"):
        load_nllb(name, folder=tmp_path)
    with pytest.raises(NllbError, match=r"is no folder"):
        plan_nllb(name)


def _served(folder, large=("model.safetensors", "tokenizer.json"), **more):
    """A hub: its listing and its files, as the real one answers."""
    rows, files = [{"type": "directory", "path": "onnx", "size": 0, "oid": "0" * 40}], {}
    for one in hub.manifest_of(folder):
        data = (folder / one.name).read_bytes()
        row = {"type": "file", "path": one.name, "size": one.size_bytes, "oid": hub.blob_sha1(data)}
        rows.append(row | ({"lfs": {"oid": one.sha256, "size": one.size_bytes}} if one.name in large else {}))
        files[f"{NAME}/resolve/main/{one.name}"] = data
    rows.append({"type": "file", "path": "../../evil", "size": 3, "oid": "0" * 40})
    files[f"api/models/{NAME}/tree/main"] = json.dumps(rows).encode()
    return PracticeServer(files, **more)


def _load(server, folder, **options):
    return load_nllb(
        NAME, folder=folder, endpoint=server.base_url.rstrip("/"), sleep=lambda _: None, progress=False, **options
    )


def test_a_checkpoint_comes_from_a_hub_and_is_not_fetched_twice(tiny, tmp_path):
    with _served(tiny) as server:
        model, _ = _load(server, tmp_path / "here")
        asked = len(server.requests)
        _load(server, tmp_path / "here")
        assert len(server.requests) == asked
    again, _ = _load(server, tmp_path / "here")  # the hub is gone
    assert all(torch.equal(values, again.state_dict()[name]) for name, values in model.state_dict().items())
    assert not (tmp_path / "evil").exists()


FAULTS = {
    "cut": faults.CutAfter(20_000),
    "busy": faults.Busy(503),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_it_survives_what_links_do(tiny, tmp_path, fault):
    """The fault strikes the first request for the weights, and for each small file."""
    struck = set()

    def script(request):
        if request.name in struck or request.name.startswith("api/"):
            return None
        struck.add(request.name)
        return fault

    with _served(tiny, faults=script) as server:
        model, _ = _load(server, tmp_path / "here")
        sent = sum(one.body_bytes for one in server.requests)
    whole, _ = load_nllb(tiny)
    assert all(torch.equal(values, whole.state_dict()[name]) for name, values in model.state_dict().items())
    assert sorted(path.suffix for path in (tmp_path / "here").iterdir()) == sorted(
        path.suffix for path in tiny.iterdir()
    )
    if isinstance(fault, faults.CutAfter):
        assert sent < 1.2 * sum(path.stat().st_size for path in tiny.iterdir()) + 30_000  # resumed, not begun anew


def test_damaged_weights_are_not_fetched_again_unasked(tiny, tmp_path):
    weights = (tiny / "model.safetensors").stat().st_size

    def script(request):
        return faults.CorruptByte(9_000) if request.name.endswith("model.safetensors") and not struck else None

    struck = []
    with _served(tiny, faults=script) as server:
        with pytest.raises(hub.HubError, match=r"came damaged and lies in model\.safetensors\.bad.*is yours to decide"):
            _load(server, tmp_path / "here")
        asked = [one for one in server.requests if one.body_bytes >= weights]
        assert len(asked) == 1
        struck.append(1)
        _load(server, tmp_path / "here")
    assert not (tmp_path / "here" / "model.safetensors.bad").exists()


def test_a_client_of_ones_own_is_used_for_every_file_and_stays_open(tiny, tmp_path):
    seen = []
    with httpx.Client(event_hooks={"request": [lambda request: seen.append(request.url.path)]}) as client:
        with _served(tiny) as server:
            _load(server, tmp_path / "here", client=client)
            assert len(seen) == len(server.requests)
        assert any(path.endswith("model.safetensors") for path in seen)
        assert not client.is_closed


def test_without_a_folder_it_lies_with_the_fetched_data(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with _served(tiny) as server:
        _load(server, None)
    assert (tmp_path / "models" / "someone--tiny-nllb" / "model.safetensors").is_file()
    _load(server, None)  # the hub is gone


def test_the_cache_of_the_hubs_client_is_used_only_when_nothing_else_is_named(tiny, copied, tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setattr(
        "huggingface_hub.try_to_load_from_cache",
        lambda name, file: str(copied / file) if (copied / file).is_file() else None,
    )
    refused = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(404)))
    assert load_nllb(NAME)[0].config.d_model == 16
    for named in ({"folder": tmp_path / "x"}, {"endpoint": "http://mirror.test"}, {"revision": "v2"}):
        with pytest.raises(hub.HubError, match="says 404"):
            load_nllb(NAME, client=refused, **named)
    (copied / "model.safetensors").unlink()
    with pytest.raises(hub.HubError, match="says 404"):
        load_nllb(NAME, client=refused)


def test_what_the_device_cannot_hold_is_refused_before_its_weights_are_fetched(tiny, tmp_path):
    small = dataclasses.replace(load("phone-2gb"), app_memory_bytes=20_000)
    with _served(tiny) as server:
        with pytest.raises(NllbError, match=r"cannot hold it; hub\.bring(.|\n)*float32 .* cannot fit"):
            _load(server, tmp_path / "here", profile=small)
        assert [one.name for one in server.requests if "safetensors" in one.name or "tokenizer" in one.name] == []
        with pytest.raises(NllbError, match="storage   does not fit"):
            _load(
                server,
                tmp_path / "here",
                profile=dataclasses.replace(small, storage_quota_bytes=9, app_memory_bytes=10**9),
            )
        none = len(server.requests)
        with pytest.raises(NllbError, match="1,370,638,336 weights"):
            load_nllb(
                "facebook/nllb-200-distilled-1.3B",
                profile=load("laptop-4gb"),
                folder=tmp_path / "there",
                endpoint=server.base_url.rstrip("/"),
            )
        assert len(server.requests) == none
    with pytest.raises(NllbError, match="an engine with fewer bits may do"):
        load_nllb(tiny, profile=small)


def test_what_came_is_kept_when_the_link_is_gone(tiny, tmp_path):
    weights = (tiny / "model.safetensors").stat().st_size
    script = [None] * 5 + [faults.CutAfter(weights // 2)] + [faults.Busy(503)] * 50
    with _served(tiny, faults=script) as server, pytest.raises(hub.HubError, match=r"model\.safetensors did not come"):
        _load(server, tmp_path / "here")
    with pytest.raises(NllbError, match=r"\.part is a download to go on with"):
        load_nllb(tmp_path / "here")
    with _served(tiny) as server:
        _load(server, tmp_path / "here")
        assert max(one.body_bytes for one in server.requests) < weights * 0.6


def test_a_hub_without_it(tiny, tmp_path):
    with PracticeServer({"other": b""}) as server, pytest.raises(hub.HubError, match="says 404"):
        _load(server, tmp_path / "here")
    with (
        PracticeServer({f"api/models/{NAME}/tree/main": b"<html>Welcome</html>"}) as server,
        pytest.raises(hub.HubError, match="no listing"),
    ):
        _load(server, tmp_path / "here")
    with PracticeServer({f"api/models/{NAME}/tree/main": b"[]"}) as server, pytest.raises(hub.HubError, match="lacks"):
        _load(server, tmp_path / "here")
    assert list(tmp_path.iterdir()) == []


def test_a_manifest_replaces_the_listing(tiny, tmp_path):
    with _served(tiny) as server:
        _load(server, tmp_path / "here", manifest=hub.manifest_of(tiny))
        assert len(server.requests) == len(hub.manifest_of(tiny))
