"""weft calibrate on a labelled set; on a run it is tested where there is one (tests/test_end_to_end.py)."""

from __future__ import annotations

import json

import pytest

from demo.captions import caption
from demo.render import encode, picture
from demo.rng import Stream
from demo.scenes import make, other
from tests.support.scored_run import demo_clip
from weft.main import main


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    folder, lines = tmp_path_factory.mktemp("labelled"), []
    for i in range(40):
        scene = make("verb", i, long_side=(200, 400))
        (folder / f"{i}.jpg").write_bytes(encode(picture(scene), "jpg"))
        said = caption(scene if i % 2 else other(scene, "verb", i), "en", Stream("verb", i))
        lines.append(json.dumps({"image": f"{i}.jpg", "text": said, "right": bool(i % 2)}))
    (folder / "set.jsonl").write_text("\n".join(lines))
    return folder / "set.jsonl"


def test_a_model_without_a_run(labelled, capsys):
    clip = demo_clip()
    argv = ["calibrate", "--labelled", str(labelled), "--model", str(clip["model"]), "--pretrained", str(clip["pretrained"]),
            "--set", f"score.clip.config_dir={clip['config_dir']}"]  # fmt: skip
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert main([*argv, "--at", "0.13", "--at", "-1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["labelled_wrong"] == 20 and found["best"]["precision"] >= 0.95 and found["best"]["recall"] >= 0.9
    assert [q["threshold"] for q in found["limits"]] == [0.13, -1.0] and found["limits"][1]["recall"] == 0
    assert "keeps of 40 pairs" in out and "best F1: at least 0." in out and '[filters."pair.similarity"]' in out


@pytest.mark.parametrize(
    "argv, says",
    [
        ([], "give a run folder"),
        (["/nowhere"], "give a run folder"),
        (["--labelled", "/nowhere.jsonl"], "no model"),
        (["--labelled", "/nowhere.jsonl", "--model", "ViT-B-32", "--pretrained", "random"], "no file '/nowhere.jsonl'"),
    ],
)
def test_mistakes_are_told_in_a_sentence(argv, says, capsys):
    assert main(["calibrate", *argv]) == 2
    assert says in capsys.readouterr().err


def test_a_folder_that_is_no_run(tmp_path, capsys):
    assert main(["calibrate", str(tmp_path)]) == 2
    assert "is not a run folder" in capsys.readouterr().err
