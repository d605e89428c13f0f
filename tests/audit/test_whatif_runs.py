"""Twenty random settings, each answered by `whatif` and then run for real: exact answers are the run's own numbers, estimates hold it between their bounds."""

import random
import shutil

import pytest

from audit.queries import ask
from audit.run import Run
from audit.whatif import names, whatif
from tests.audit.test_whatif import SETTINGS, kept, toml

EXTRACT = {  # judged before anything is fetched: only another whole run can say what comes of it
    "document.word_count.min": (5, 150), "document.language.min": (0.3, 0.99), "paragraph.word_count.min": (2, 14), "paragraph.stop_words.min": (0.05, 0.5),
    "document.special_characters.max": (0.05, 0.5), "image.rendered_size.image_rendered_min_side.min": (50, 400),
}  # fmt: skip


def drawn(known: dict, seed: int, count: int) -> list[dict[str, float]]:
    """`count` settings of one to three limits that the run has; every third has one of extract's."""
    draw, out = random.Random(seed), []
    late, early = sorted(set(SETTINGS) & set(known)), sorted(set(EXTRACT) & set(known))
    assert len(late) >= 4 and len(early) >= 2, (late, early)
    for i in range(count):
        chosen = draw.sample(early, 1) + draw.sample(late, draw.randint(0, 1)) if i % 3 == 2 else draw.sample(late, draw.randint(1, 3))
        ranges = {n: (SETTINGS | EXTRACT)[n] for n in chosen}
        out.append({n: draw.randint(a, b) if isinstance(a, int) else round(draw.uniform(a, b), 3) for n, (a, b) in ranges.items()})
    return out


@pytest.fixture(scope="module")
def whole(demo_run, request, tmp_path_factory):
    """whole(settings) -> run folder of the same web, from its archives on."""

    def make(settings):
        from demo.server import serve
        from weft.verbs.demo import at_server, demo_config
        from weft.verbs.run import run_config

        web = request.getfixturevalue("demo_web")
        folder = tmp_path_factory.mktemp("whole") / "run"
        with serve(web) as server:
            config = at_server(demo_config([str(w) for w in web.warcs], 1, settings), server.port)
            run_config(config, str(folder), quiet=True)
        return folder

    return make


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_twenty_random_settings(demo_run, again, whole, capsys):
    run = Run(str(demo_run))
    with run.connect() as con:
        known = names(ask(con, "SELECT * FROM rules"))
    exact = 0
    for chosen in drawn(known, 1, 20):
        answer = whatif(run, [f"{n}={v}" for n, v in chosen.items()], flips=1000)
        settings = [toml(n, v) for n, v in chosen.items()]
        real_run = (whole if set(chosen) & set(EXTRACT) else again)(*((settings,) if set(chosen) & set(EXTRACT) else (demo_run, settings)))
        real, languages, domains = kept(real_run)
        shutil.rmtree(real_run.parent)
        with capsys.disabled():
            print(f"\n{chosen}: {answer.low} <= {len(real)} <= {answer.high}{', exact' if answer.exact else ''}", end="")
        assert answer.low <= len(real) <= answer.high, chosen
        if answer.exact:
            exact += 1
            assert answer.after["documents"] == len(real), chosen
            assert {r["language"]: r["after"] for r in answer.languages if r["after"]} == languages, chosen
            assert {r["domain"]: r["after"] for r in answer.domains if r["after"]} == domains, chosen
    assert exact >= 8
