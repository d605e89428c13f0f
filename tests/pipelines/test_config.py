import pytest

from pipelines.settings.config import ConfigError, dump, load, parse


def test_unknown_keys_are_all_named_with_suggestions():
    with pytest.raises(ConfigError) as e:
        parse("[run]\nsed = 3\n[runer]\n[runner]\nworkers = -1\n", "x.toml")
    text = str(e.value)
    assert "unknown key 'run.sed'; did you mean 'seed'?" in text
    assert "unknown key 'runer'; did you mean 'runner'?" in text
    assert "runner.workers" in text and "given: -1" in text


def test_overrides_win_and_rule_names_may_hold_their_dot():
    c = parse("[run]\nseed = 1\n", "x", ["run.seed=5", "run.name=plain words"])
    assert (c.run.seed, c.run.name) == (5, "plain words")


@pytest.mark.parametrize("bad", ["run.seed", "=3", "run=[", "run.seed.x=3"])
def test_a_bad_override_is_a_config_error(bad):
    with pytest.raises(ConfigError):
        parse("[run]\nseed = 1\n", "x", [bad])


def test_an_unknown_rule_or_setting_is_named():
    with pytest.raises(ConfigError, match="no rule 'paragraph.wrods'"):
        parse('[filters."paragraph.wrods"]\n', "x")


def test_round_trip():
    c = parse("[run]\nname = 'é\"x'\nseed = 3\n", "x")
    assert parse(dump(c), "y") == c


def test_missing_file_and_broken_toml(tmp_path):
    with pytest.raises(ConfigError, match="weft init"):
        load(str(tmp_path / "no.toml"))
    (tmp_path / "bad.toml").write_text("a = = 3")
    with pytest.raises(ConfigError, match="not TOML"):
        load(str(tmp_path / "bad.toml"))
    (tmp_path / "latin.toml").write_bytes(b"a = '\xe9'")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(str(tmp_path / "latin.toml"))
