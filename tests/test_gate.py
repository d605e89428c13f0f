"""Gates over the whole tree: nothing unsafe, nothing that names a registry, nothing large."""

import ast
import subprocess

import pytest

NOT_SHIPPED = ("tests",)  # everything else is ours, a new folder too
LOADERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "jsonpickle", "pickler"}  # modules
CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "torch.package.PackageImporter"}  # fmt: skip
METHODS = {"read_pickle", "extractall"}  # of whatever object; the second is safe with filter="data"
ALLOWED = {("weft/verbs/doctor.py", "imports pickler")}  # it asks whether Beam can send our own steps, and reads nothing from outside


def unsafe(source):
    """(line, what) of everything in a module that may run what it loads."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] + [getattr(node, "module", None) or ""]
            yield from ((node.lineno, f"imports {n}") for n in sorted({part for n in names for part in n.split(".")} & LOADERS))
        if not isinstance(node, ast.Call):
            continue
        name, given = name_of(node.func), {k.arg: getattr(k.value, "value", ...) for k in node.keywords}
        last = name.rpartition(".")[2]
        if name in CALLS or last in METHODS and given.get("filter") != "data":
            yield node.lineno, name
        if last == "load" and name.startswith("torch.") and given.get("weights_only") is not True:
            yield node.lineno, f"{name} without weights_only=True"
        for word, harmless in (("shell", False), ("allow_pickle", False), ("trust_remote_code", False)):
            if given.get(word, harmless) is not harmless:
                yield node.lineno, f"{word}={given[word]}"


def tracked(repo, *patterns):
    out = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=repo, capture_output=True, text=True)
    if out.returncode:
        pytest.skip("not a git checkout")
    return [repo / p for p in out.stdout.split("\0") if p and (repo / p).exists()]


def name_of(node):
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def test_no_unsafe_loading_anywhere(repo):
    found, read = [], 0
    for path in tracked(repo, "*.py"):
        where = path.relative_to(repo).as_posix()
        if not where.startswith(NOT_SHIPPED):
            read += 1
            found += [f"{where}:{line} {what}" for line, what in unsafe(path.read_text(encoding="utf-8")) if (where, what) not in ALLOWED]
    assert not found, found
    assert read > 300


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from pickle import loads", "import cloudpickle as c", "from apache_beam.internal import pickler", "import shelve", "import joblib",
        "eval(text)", "exec(text)", "compile(text, '', 'exec')", "__import__(name)", "os.system(text)", "subprocess.run(text, shell=True)",
        "torch.load(f)", "torch.load(f, weights_only=False)", "torch.jit.load(f)", "np.load(f, allow_pickle=True)", "np.load(f, allow_pickle=given)", "yaml.load(f)",
        "yaml.unsafe_load(f)", "pd.read_pickle(f)", "t.extractall(folder)", "AutoModel.from_pretrained(name, trust_remote_code=True)",
    ],
)  # fmt: skip
def test_the_gate_sees(line):
    assert list(unsafe(line)), line


def test_the_gate_lets_pass():
    assert not list(
        unsafe(
            "import json\nmodel.eval()\nre.compile(x)\ntorch.load(f, weights_only=True)\nnp.load(f, allow_pickle=False)\n"
            "t.extractall(folder, filter='data')\nsubprocess.run(words, shell=False)\njson.load(f)"
        )
    )


def test_no_registry_host_is_named(repo):
    hosts = [
        "pypi" + ".org",
        "files.python" + "hosted.org",
        "registry.npm" + "js.org",
        "repo.maven." + "apache.org",
        "crates" + ".io",
        "proxy.go" + "lang.org",
    ]
    found = [
        f"{p}: {h}" for p in tracked(repo) if p.suffix not in (".png", ".safetensors", ".pt") for h in hosts if h.encode() in p.read_bytes()
    ]
    assert not found, found


def test_nothing_large_is_committed(repo):
    assert not [str(p) for p in tracked(repo) if p.stat().st_size > 4_500_000]


def test_no_path_of_a_machine(repo):
    marks = [*("/" + "work/" + name for name in ("main", "shared", ".")), "/" + "root/"]  # a stage has a folder `work` of its own
    found = [
        f"{p}: {m}"
        for p in tracked(repo, "*.py", "*.md", "*.toml", "*.yml", "Makefile")
        for m in marks
        if m in p.read_text(encoding="utf-8")
    ]
    assert not found, found
