"""Running text in languages other than English: openings joined to clauses; long and natural enough for language identification."""

from __future__ import annotations

from functools import cache

from demo import english
from demo.rng import Stream

_TEXT: dict[str, tuple[str, str, str, str]] = {  # language -> openings, clauses, joint, end of a sentence
    "de": (
        """Gestern am frühen Morgen|Nach dem langen Winter|In der kleinen Stadt am Fluss
        |Auf der anderen Seite der Brücke|Seit einigen Jahren
        |Am Ende des Monats|Während der Sommerferien|Trotz des schlechten Wetters|Vor der alten Kirche|An einem kalten Tag im März
        |Kurz vor der Abfahrt|Im Norden des Landes""",
        """fand der alte Lehrer einen langen Brief, den niemand mehr erwartet hatte
        |erzählte uns die Nachbarin von ihrer Reise durch die Berge
        |wurde über den neuen Weg durch das Tal gesprochen|standen viele Menschen vor dem Rathaus und warteten auf eine Antwort
        |brachte der Bäcker jeden Tag frisches Brot in die Schule|war die Straße nach dem Regen kaum noch zu erkennen
        |kaufte eine junge Ärztin das leere Haus neben der Mühle|hat sich für die Familien hier nicht viel verändert
        |schrieb die Zeitung, dass die Arbeiten bald beginnen sollten|lernten die Kinder, wie man eine Karte richtig liest
        |trafen sich die Mitglieder des Vereins, um den Plan zu besprechen|blieb der Bahnhof für mehrere Wochen geschlossen""",
        " ", ". ",
    ),
    "fr": (
        """Hier matin, très tôt,|Après un long hiver,|Dans la petite ville au bord de la rivière,
        |De l'autre côté du pont,|Depuis quelques années,
        |À la fin du mois,|Pendant les vacances d'été,|Malgré le mauvais temps,|Devant la vieille église,|Par une froide journée de mars,
        |Peu avant le départ,|Dans le nord du pays,""",
        """le vieux professeur a trouvé une longue lettre que personne n'attendait plus
        |notre voisine nous a raconté son voyage à travers les montagnes
        |on a beaucoup parlé du nouveau chemin qui traverse la vallée|des dizaines de personnes attendaient une réponse devant la mairie
        |le boulanger apportait chaque jour du pain frais à l'école|la route était à peine visible après la pluie
        |une jeune femme médecin a acheté la maison vide à côté du moulin|la vie des familles d'ici n'a pas beaucoup changé
        |le journal a écrit que les travaux allaient bientôt commencer|les enfants ont appris à lire une carte avec attention
        |les membres de l'association se sont réunis pour discuter du projet|la gare est restée fermée pendant plusieurs semaines""",
        " ", ". ",
    ),
    "es": (
        """Ayer por la mañana temprano,|Después de un largo invierno,|En la pequeña ciudad junto al río,
        |Al otro lado del puente,|Desde hace algunos años,
        |A finales de mes,|Durante las vacaciones de verano,|A pesar del mal tiempo,
        |Delante de la antigua iglesia,|En un frío día de marzo,
        |Poco antes de la salida,|En el norte del país,""",
        """el viejo maestro encontró una larga carta que ya nadie esperaba|nuestra vecina nos habló de su viaje por las montañas
        |se habló mucho del nuevo camino que cruza el valle|muchas personas esperaban una respuesta delante del ayuntamiento
        |el panadero llevaba cada día pan fresco a la escuela|la carretera apenas se veía después de la lluvia
        |una joven médica compró la casa vacía que está junto al molino|la vida de las familias de aquí no ha cambiado mucho
        |el periódico escribió que las obras empezarían muy pronto|los niños aprendieron a leer bien un mapa
        |los miembros de la asociación se reunieron para hablar del proyecto|la estación permaneció cerrada durante varias semanas""",
        " ", ". ",
    ),
    "it": (
        """Ieri mattina presto|Dopo un lungo inverno|Nella piccola città vicino al fiume|Dall'altra parte del ponte|Da alcuni anni
        |Alla fine del mese|Durante le vacanze estive|Nonostante il brutto tempo|Davanti alla vecchia chiesa
        |In una fredda giornata di marzo
        |Poco prima della partenza|Nel nord del paese""",
        """il vecchio maestro ha trovato una lunga lettera che nessuno aspettava più
        |la nostra vicina ci ha raccontato del suo viaggio tra le montagne
        |si è parlato molto della nuova strada che attraversa la valle|molte persone aspettavano una risposta davanti al municipio
        |il fornaio portava ogni giorno il pane fresco nella scuola|la strada si vedeva appena dopo la pioggia
        |una giovane dottoressa ha comprato la casa vuota accanto al mulino|la vita delle famiglie di qui non è cambiata molto
        |il giornale ha scritto che i lavori sarebbero cominciati presto|i bambini hanno imparato a leggere bene una mappa
        |i soci dell'associazione si sono incontrati per discutere del progetto|la stazione è rimasta chiusa per diverse settimane""",
        " ", ". ",
    ),
    "pt": (
        """Ontem de manhã cedo,|Depois de um longo inverno,|Na pequena cidade junto ao rio,|Do outro lado da ponte,|Há alguns anos,
        |No fim do mês,|Durante as férias de verão,|Apesar do mau tempo,|Em frente à velha igreja,|Num dia frio de março,
        |Pouco antes da partida,|No norte do país,""",
        """o velho professor encontrou uma longa carta que já ninguém esperava|a nossa vizinha falou-nos da sua viagem pelas montanhas
        |falou-se muito do novo caminho que atravessa o vale|muitas pessoas esperavam uma resposta em frente à câmara municipal
        |o padeiro levava todos os dias pão fresco para a escola|a estrada mal se via depois da chuva
        |uma jovem médica comprou a casa vazia ao lado do moinho|a vida das famílias daqui não mudou muito
        |o jornal escreveu que as obras iam começar em breve|as crianças aprenderam a ler um mapa com atenção
        |os membros da associação reuniram-se para discutir o projeto|a estação ficou fechada durante várias semanas""",
        " ", ". ",
    ),
    "nl": (
        """Gisteren in de vroege ochtend|Na de lange winter|In het kleine stadje aan de rivier
        |Aan de andere kant van de brug|Sinds enkele jaren
        |Aan het einde van de maand|Tijdens de zomervakantie|Ondanks het slechte weer|Voor de oude kerk|Op een koude dag in maart
        |Kort voor het vertrek|In het noorden van het land""",
        """vond de oude leraar een lange brief die niemand meer verwachtte|vertelde onze buurvrouw over haar reis door de bergen
        |werd er veel gesproken over de nieuwe weg door het dal|stonden veel mensen voor het stadhuis op een antwoord te wachten
        |bracht de bakker elke dag vers brood naar de school|was de straat na de regen nauwelijks nog te zien
        |kocht een jonge vrouwelijke arts het lege huis naast de molen|is er voor de gezinnen hier niet veel veranderd
        |schreef de krant dat het werk binnenkort zou beginnen|leerden de kinderen hoe je een kaart goed moet lezen
        |kwamen de leden van de vereniging bijeen om het plan te bespreken|bleef het station enkele weken gesloten""",
        " ", ". ",
    ),
    "ru": (
        """Вчера рано утром|После долгой зимы|В маленьком городе у реки|На другой стороне моста|Уже несколько лет
        |В конце месяца|Во время летних каникул|Несмотря на плохую погоду|Перед старой церковью|В один холодный мартовский день
        |Незадолго до отъезда|На севере страны""",
        """старый учитель нашёл длинное письмо, которого уже никто не ждал|соседка рассказала нам о своём путешествии через горы
        |много говорили о новой дороге через долину|люди стояли перед ратушей и ждали ответа
        |пекарь каждый день приносил в школу свежий хлеб|дорогу после дождя было почти не видно
        |молодая женщина-врач купила пустой дом рядом с мельницей|жизнь здешних семей почти не изменилась
        |газета писала, что работы скоро начнутся|дети учились внимательно читать карту
        |члены общества собрались, чтобы обсудить новый план|вокзал несколько недель оставался закрытым""",
        " ", ". ",
    ),
    "ja": (
        """昨日の朝早く|長い冬が終わったあと|川のそばの小さな町で|橋の向こう側では|数年前から|月の終わりに|夏休みのあいだ|天気が悪かったにもかかわらず
        |古い教会の前で|三月の寒い日に|出発の少し前に|この国の北の方では""",
        """年老いた先生が、誰も待っていなかった長い手紙を見つけました|隣の人が山を越えた旅の話をしてくれました
        |谷を通る新しい道についてたくさんの話が出ました|多くの人が役場の前で答えを待っていました|パン屋さんは毎日学校に焼きたてのパンを届けていました
        |雨のあとで道がほとんど見えなくなっていました|若い女性の医者が水車小屋の隣の空き家を買いました|ここに住む家族の暮らしはあまり変わっていません
        |新聞には工事がまもなく始まると書いてありました|子どもたちは地図の読み方を学びました|会員たちが集まって計画について話し合いました
        |駅は数週間のあいだ閉まったままでした""",
        "、", "。",
    ),
    "zh": (
        """昨天一大早|漫长的冬天过去以后|在河边的小城里|在桥的另一边|这几年来|到了月底的时候|在暑假期间|尽管天气很不好|在老教堂的前面
        |三月里一个寒冷的日子|就在出发之前|在这个国家的北方""",
        """老教师发现了一封谁也没有想到的长信|邻居给我们讲了她穿过大山的旅行|大家都在谈论那条穿过山谷的新路|很多人站在市政厅前面等待答复
        |面包师每天都把新鲜的面包送到学校|雨后的道路几乎看不清楚了|一位年轻的女医生买下了磨坊旁边的空房子|这里的家庭生活没有多大的变化
        |报纸上说工程很快就要开始了|孩子们学会了怎样看地图|协会的成员聚在一起讨论这个计划|车站关闭了好几个星期""",
        "，", "。",
    ),
}  # fmt: skip
LANGUAGES = ("en", *_TEXT)


@cache
def _parts(language: str) -> tuple[tuple[str, ...], tuple[str, ...], str, str]:
    openings, clauses, joint, end = _TEXT[language]
    return tuple(x.strip() for x in openings.split("|")), tuple(x.strip() for x in clauses.split("|")), joint, end


def paragraph(language: str, draw: Stream, low: int = 3, high: int = 5) -> str:
    """`low` to `high` sentences of running text. KeyError on a language that is not in LANGUAGES."""
    if language == "en":
        return english.paragraph(draw, low, high)
    openings, clauses, joint, end = _parts(language)
    n = draw.between(low, high)
    pairs = zip(draw.sample(openings, n), draw.sample(clauses, n), strict=True)
    return "".join(f"{a}{joint}{b}{end}" for a, b in pairs).strip()


def title(language: str, draw: Stream) -> str:
    """A headline."""
    if language == "en":
        return english.title(draw)
    return draw.pick(_parts(language)[0]).rstrip(",，、")
