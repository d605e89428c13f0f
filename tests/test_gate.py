"""Gates over the whole tree: nothing unsafe, nothing that names a registry, nothing large."""

import ast
import subprocess

import pytest

OURS = ("schemas", "filters", "pipelines", "audit", "trainer", "demo", "benchmarks", "weft")
FORBIDDEN_CALLS = {"eval", "exec", "pickle.load", "pickle.loads", "yaml.load", "os.system", "marshal.loads", "dill.load", "dill.loads"}


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
    found = []
    for path in tracked(repo, "*.py"):
        if path.relative_to(repo).parts[0] not in OURS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = name_of(node.func)
                if name in FORBIDDEN_CALLS:
                    found.append(f"{path}:{node.lineno} {name}")
                if name == "torch.load" and not any(
                    k.arg == "weights_only" and getattr(k.value, "value", None) is True for k in node.keywords
                ):
                    found.append(f"{path}:{node.lineno} torch.load without weights_only=True")
                if any(k.arg == "shell" and getattr(k.value, "value", None) is True for k in node.keywords):
                    found.append(f"{path}:{node.lineno} shell=True")
            if isinstance(node, ast.Import) and any(a.name in ("pickle", "dill", "cloudpickle", "shelve") for a in node.names):
                found.append(f"{path}:{node.lineno} imports {[a.name for a in node.names]}")
    assert not found, found


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
    marks = ["/" + "work/", "/" + "root/"]
    found = [
        f"{p}: {m}"
        for p in tracked(repo, "*.py", "*.md", "*.toml", "*.yml", "Makefile")
        for m in marks
        if m in p.read_text(encoding="utf-8")
    ]
    assert not found, found
