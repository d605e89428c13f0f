from pipelines.code import closure, code_digest


def test_closure_follows_our_imports_only_and_finds_the_rules():
    found = closure("pipelines.stage")
    assert {"pipelines.storage", "schemas.manifest", "pipelines.settings.config"} <= found
    assert "filters.registry" in found and any(m.startswith("filters.paragraph.") for m in found)
    assert not any(m.split(".")[0] not in ("schemas", "filters", "pipelines") for m in found)


def test_digest_depends_on_the_module():
    assert code_digest("pipelines.storage") != code_digest("pipelines.stage")
    assert code_digest("pipelines.storage") == code_digest("pipelines.storage")
