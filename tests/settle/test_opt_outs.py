"""Which replies end messages, which allow them again, and which say neither."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulksend.prepare.opting_out import says_how
from bulksend.settle.asking import ASKED
from bulksend.settle.opt_outs import STARTS, STOPS, WHOLE, Wish, heard
from tests.settle.callbacks import OURS, TOLL_FREE

KEYWORDS = (
    *sorted(STOPS),
    "stop",
    " Stop. ",
    "STOP!!!",
    '"stop"',
    "stop all",
    "Stop-All",
    "opt out",
    "Opt-Out\n",
    "ＳＴＯＰ",
    "stop 🙏",
    "Stop please",
    "PLEASE STOP TEXTING ME!",
    "unsubscribe me, thanks",
    "Stop sending these messages now",
    "please opt me out",
    "STOP STOP STOP!!!",
    "stop. please stop texting me",
    "Arrêt",
    "stop" + " " * 100,
    "Stop\n\nSent from a telephone of a maker with a long name",
    "opt\nout",
)

IN_WORDS = (
    "STOP TO END",
    "Reply STOP",
    "reply stop to end",
    "Text STOP to opt out",
    "STOP2END",
    "stop 2 end",
    "txt STOP",
    "I revoke my consent",
    "revoke consent",
    "I hereby revoke all prior consent to text me",
    "stop contacting me",
    "STOP CONTACTING ME!!",
    "Please stop contacting this number",
    "dont text me",
    "Don't text me anymore",
    "do not contact me again",
    "please do not call me",
    "no more texts",
    "No more",
    "no more messages please",
    "remove me",
    "Remove me from your list",
    "take me off your list",
    "please take my number off this list",
    "unsubscribe me please",
    "how do I unsubscribe?",
    "UNSUSCRIBE",
    "unsub",
    "opt me out",
    "I want to opt out",
    "opting out",
    "leave me alone",
    "lose my number",
    "wrong number",
    "Sorry you have the wrong number",
    "I never signed up for this",
    "i didnt sign up for these",
    "Not interested",
    "not interested, thanks",
    "I don't want these messages",
    "I no longer wish to receive texts",
    "do not want to hear from you",
    "why don't you stop",
    "Why wont you stop texting me",
    "you never stop",
    "can't you stop",
    "STOOOP",
    "stopp",
    "stpo",
    "Hello,\nstop",
    "Hey stop",
    "ok stop",
    "no stop",
    "Stop, thanks anyway",
    "stop I don't know you",
    "STOP who is this",
    "who is this? stop",
    "I said STOP",
    "make it stop",
    "Please make this stop",
    "just stop",
    "stop at once",
    "stop for good",
    "Stop for now",
    "enough. stop.",
    "I DO NOT WANT THIS STOP",
    "please don't text me stop",
    "Stop sending me these damn texts",
    "cancel texts",
    "Cancel my subscription",
    "end messages",
    "quit texting me",
    "quit",
    "end",
    "please cancel",
    "🛑",
    "No más",
    "no mas mensajes",
    "No me envíen mensajes",
    "dejen de mandar mensajes",
    "Arrêtez",
    "baja",
    "fuck off",
    "remove",
    "Delete my number",
    "spam",
    "this is spam",
    "“STOP”",
    "reply “stop”",
    "I do not consent",
    "consent revoked",
    "please stop messaging, I will report you",
    "stop all texts",
    "STOP ALL",
    "stop. the. texts",
    "s.t.o.p",
    "S T O P",
    "Stop texting",
    "STOP THESE TEXTS",
    "Hi Ann, your order is ready. Reply STOP to end.",
    "can you please stop",
    "could you stop sending these",
    "I asked you to stop",
    "You need to stop",
    "I don't want to be contacted",
    "Please discontinue all messages",
    "go away",
    "do not call",
    "Do not text",
    "stop it!",
    "stop u",
    "Please remove my number from your system",
    "remove from list",
    "get me off this list",
    "I did not opt in",
    "I withdraw my permission",
    "Stop calling and texting",
    "You will not stop me",
    "I dont want you texting me",
    "do not text or call me",
    "no texts please",
    "no texting",
    "cease",
    "I never want to get these again",
    "don't text me before 9, I am asleep",
    "please let me know when you stop",
    "Stop it lol",
    "STOP/END",
    "text me never, I said stop",
    "stop\u200b",
    "Stop on all numbers",
    "Stop for real",
    "Stop in the future",
    "stop at this number",
    "please stop in the future",
    "can you stop for real",
    "I can't unsubscribe",
    "cannot unsubscribe",
    "I could not opt out",
    "I shouldn't have to ask you to stop",
    "I should not have to say stop twice",
    "Don't you ever text me again",
    'My TV is 55" and I dont need another one, please stop texting me',
    'My 55" TV broke and you people please stop texting me about a 65" one',
    "“I have told you people a hundred times already STOP",
    ">:( stop texting me",
    ">>>STOP<<<",
    'to "whom it may concern", stop texting me',
    'To "Acme": STOP',
    "Liked “Hi”\nSTOP",
    "> Hi, reply STOP to end\nSTOP",
    "stopsms",
    "stoptexting",
    "stoptextingme",
    "STOPIT",
    "I would like to be removed",
    "Do not send me any more",
    "please do not reach out again",
    "Remove 919-555-0100",
    "please discontinue",
    "st0p",
    "STОP",
    "I told you not to text me",
    "how do I stop",
    "how do i stop these",
    "I want to stop getting these",
    "never text me again",
    "I never subscribed to this",
    "I can't stop these messages",
    "Don't text me back",
    "please no more",
    "no more please",
    "No more thanks",
    "no more thank you",
    "NO MORE PLZ",
    "hi no more",
    "No more for now",
    "please do not text",
    "do not text please",
    "Please dont text",
    "dont text thanks",
    "no thanks I am not interested",
    "No thank you not interested",
    "Hi I am not interested",
    "Sorry, we are not interested",
    "not interested not interested",
    "ok this is spam",
    "please take me off",
    "please cease and desist",
    "cease & desist!",
    "ARRET SVP",
    "arrêt merci",
    "arrêt s'il vous plaît",
    "arrête",
    "arrête de m'écrire",
    "Ne m'écrivez plus",
    "désabonnez-moi svp",
    "alto por favor",
    "baja por favor",
    "no más gracias",
    "ya no mas",
    "esto es spam no mas",
    "ya basta",
    "no quiero más mensajes",
    "deja de escribirme",
    "deja de mandarme mensajes",
    "no me escribas más",
    "ya no me escribas",
    "quiero darme de baja",
    "dar de baja",
    "STOPSTOP",
    "do not call or text",
    "please don't call or text, thanks",
    "don't contact",
    "I'm no longer interested",
    "we're not interested",
    "not interested anymore",
    "no gracias, no me interesa",
    "pas intéressée, merci",
    "plus de messages svp",
    "ne plus me contacter",
    "I want off this list",
    "you have the wrong #",
    "Is this the wrong number?",
    "don't call or text me, only text my wife",
    "Stop calling, just text me",
    "don't call. don't text me, only text Bob",
    "stopstopstop",
    "do not call, text",
    "don't call, text or email me",
    "don't call, text me, or email me",
    "don't call, text me or write",
    "don't call me, text me, email me",
    "don't call, don't text me",
    "don't call text me",
    "don't call me, stop texting me",
    "Please don't call, text me STOP",
    "don't call. Texts are not fine",
    "no more please, we have enough chairs",
    "stop at 5",
    "Stop it some more, lol",
    "Please stop my texts",
    "stop my payment reminders",
    "stop my order updates please",
    "stop the delivery of these",
    "Stop my autopay and stop texting me",
    "it won't stop buzzing",
    "Do not call. Text. Or email.",
    "do not call-text me",
    "don't call, text me again",
    "don't call, text me never",
    "don't call. text me. or write",
    "Message: do not call",
    "919 555 0100 stop",
    "stop delivery",
    "don't call, text me at all",
    "don't call, text me when I'm at work",
    "can't talk, don't call, text",
    "remove me from the waitlist and all texts",
    "take me off the waitlist texts",
    "I want out now please",
    "please block me, thanks",
    "it won't stop texting me",
    "these won't stop",
    "stop wasting my time",
    "I couldn't stop these messages",
    "unsubscribe from email and texts",
    "unsubscribe from email",
    "take me off the list",
    "Leave me alone, time after time I asked",
    "wrong number, meant for my sister",
    "wrong number, text was not meant for me",
    "I want out",
    "I want out of this!",
    "Block me from your list",
    "please block my number",
    "f*** off",
    "F**k off!",
    "f*ck you",
    "go f*** yourself",
    "bórrame de la lista",
    "borrame de la lista",
    "por favor elimíneme de su lista",
    "quiero borrarme de la lista",
    "désabonner",
    "Désabonner svp",
    "désinscription",
    "I am reporting you to the FCC",
    "I will report these texts to the attorney general",
    "I no longer wish to receive these",
    "I would not like to get these anymore",
    "don't like getting these",
)
"""A reasonable person would understand each as a wish for no more messages, or may."""

WHOLLY_QUOTED = (
    "> stop",
    '"PLEASE STOP SENDING ME THESE MESSAGES I AM NOT INTERESTED"',
    '"Please take me off of your list right now and do not text me again"',
    "«Arrêtez de m'envoyer ces messages s'il vous plaît merci»",
)
"""Who says nothing else has said it."""

NO_STOP = (
    "don't stop",
    "Don’t stop!",
    "Do not stop",
    "do not stop these",
    "please don't stop texting me",
    "please do not stop the messages",
    "I don't want you to stop",
    "I don't want to stop",
    "never stop",
    "can't stop laughing",
    "I can't stop",
    "won't stop",
    "bus stop at 5?",
    "the bus stop",
    "Meet me at the stop",
    "next stop Boston",
    "non-stop",
    "nonstop",
    "one stop shop",
    "stop sign",
    "Can you stop by at five?",
    "stop by tomorrow",
    "I'll stop in on Monday",
    "we can stop for lunch",
    "stop over later?",
    "pit stop",
    "full stop",
    "Stop & Shop",
    "stopped",
    "stopping",
    "stops",
    "stopwatch",
    "unstoppable",
    "yes please",
    "no",
    "No thanks",
    "no thank you",
    "Cancel my appointment",
    "please cancel my order 1234",
    "I need to cancel",
    "can I cancel?",
    "end of the month works",
    "The end of May",
    "weekend",
    "quit smoking",
    "I quit smoking",
    "friend",
    "revoke my order",
    "Liked “Hi Ann, your order is ready. Reply STOP to end.”",
    "Loved “Reply STOP to end”",
    "👍 to “Hi Ann, your order is ready. Reply STOP to end.”",
    "Laughed at “Sale! Reply STOP to end”",
    "> Reply STOP to end\nThanks, see you there",
    "thanks for “Hi Ann, your order is ready today. Reply STOP to end.”",
    "I did not unsubscribe",
    "please don't unsubscribe me",
    "don't take me off the list",
    "I don't want to opt out",
    "do not remove me",
    "HELP",
    "INFO",
    "start start",
    "ok",
    "Text me tomorrow",
    "call me",
    "do you deliver?",
    "I never got my package",
    "I don't need help",
    "When does the store open?",
    "What is this message about?",
    "who is this",
    "thank you",
    "remove the pickles",
    "Take me to the store",
    "get me a ticket",
    "drop me a line",
    "no more tickets left?",
    "I don't want the red one",
    "don't forget to text me",
    "don't send the package yet",
    "Please don't contact the store",
    "cancelled",
    "the stop",
    "Which stop?",
    "I didn't mean to stop",
    "I didn't say stop",
    "list please",
    "I am interested",
    "interested",
    "no need to stop",
    "I'll stop at your store",
    "Sorry I cannot stop now",
    "we are at the last stop",
    "not a good time to text me",
    "I am not interested in your offers but in the red one",
    "the end",
    "I have no messages from you",
    "text me at five",
    "Do not stop",
    "stop" + " " * 40 + "by at five, will you?",
    "start\n\nSent from a telephone of a maker with a long name",
    "please start",
    "No text yet",
    "no message received",
    "no reminders received, please resend",
    "no texts came through",
    "You did not call me back",
    "you never text me back",
    "you never call me",
    "Why did you not call me",
    "why not text me",
    "I never subscribed to premium, how do I?",
    "I didn't sign up yet, how do I?",
    "I did not sign up yet",
    "should I stop taking the pills",
    "How do I stop a payment?",
    "When can I stop taking it?",
    "un stop",
    "please un-stop",
    "will you stop in tomorrow?",
    "stop in and see us",
    "Reacted 😂 to “hi reply STOP to end”",
    "👍 to “Hi, reply STOP to end",
    "Hi “Ann, your order is ready. Reply STOP to end today.” what is this",
    "no more questions, thanks",
    "wrong number of guests, it should be 5",
    "no messages on my side",
    "please take me off hold",
    "don't call, just text",
    "Don’t call me, text me instead",
    "please do not call, text only",
    "Text only please, do not call",
    "do not call me but text me",
    "do not call, text me",
    "Please don't call, text me",
    "please don’t call, text me.",
    "don't call me, text me please",
    "Don't call, please text",
    "Don't call - text me",
    "don't call. text",
    "don't call, text me, I'm at work",
    "Don't call. Texts are fine",
    "please do not call me, text is better",
    "please don't call, I'm in a meeting - text",
    "dont call me text me",
    "don't call me, text",
    "Text me, don't call",
    "don't call, text me when it's ready",
    "don't call, you can text me",
    "Don't call, send me a text please",
    "I'm deaf, please don't call, text me",
    "Please text, do not call me",
    "It won't stop raining",
    "The app doesn't stop crashing",
    "couldn't stop eating these",
    "Please stop my autopay",
    "stop payment on that check",
    "please stop the order",
    "I live at 12 Stop Street",
    "unsubscribe from email only, keep texts",
    "unsubscribe from e-mails only",
    "sorry wrong number, meant the other store",
    "Wrong number, I meant to text my sister",
    "take me off the waitlist for size 8, put me on size 9",
    "please remove me from the wait list",
    "leave me alone time lol, where's the spa",
    "I want out of the 5 pm slot",
    "did you block me?",
    "building F off Main",
    "no quiero borrarme de la lista",
    "I reported it to the police",
    "I don't want to be late for these",
    "no more appointments please",
    "please no more than two",
    "not interested in Tuesday, Wednesday works",
    "no thanks",
    "sorry, no",
    "this is not spam",
    "nomás quiero saber la hora",
    "no mas quiero saber a que hora abren",
    "no dejes de escribirme",
    "N'arrêtez pas",
    "por favor",
    "merci",
    "gracias, ya",
    "quiero más mensajes",
    "",
    "...",
)
"""No reasonable person would: a no before it, a noun, another matter, our own text."""

# a reply, and whether it lets messages in again at a long code, and at a toll-free number
STARTING = (
    ("start", True, True),
    ("Yes", True, False),
    ("unstop", True, True),
    ("Unstop!", True, False),
    ("yes please", False, False),
    ("start start", False, False),
    ("please start", False, False),
    ("un stop", True, False),
)


def stops(text: str, ours: str = OURS) -> bool:
    said = heard(text, ours=ours)
    return said is not None and said.wish is Wish.STOP


@pytest.mark.parametrize("ours", [OURS, TOLL_FREE])
@pytest.mark.parametrize(
    "texts",
    [KEYWORDS, IN_WORDS, WHOLLY_QUOTED],
    ids=["keywords", "in words", "quoted"],
)
def test_whoever_asks_for_no_more_gets_no_more(
    texts: tuple[str, ...], ours: str
) -> None:
    """In the FCC's words, in the carriers', or in their own."""
    assert [text for text in texts if not stops(text, ours)] == []


def test_what_asks_for_nothing_of_the_kind_is_no_stop() -> None:
    """Nobody loses their messages by a bus stop."""
    assert [text for text in NO_STOP if stops(text)] == []


@pytest.mark.parametrize(("text", "long_code", "toll_free"), STARTING)
def test_only_the_word_itself_starts_messages_again(
    text: str, long_code: bool, toll_free: bool
) -> None:
    """At a toll-free number as the network reads it."""
    for ours, starts in ((OURS, long_code), (TOLL_FREE, toll_free)):
        said = heard(text, ours=ours)
        assert (said is not None and said.wish is Wish.START) == starts


def test_what_is_kept_of_a_reply_is_no_word_of_the_persons_own() -> None:
    """The source of an opt-out is shown: it names our words, not names and numbers."""
    for text in IN_WORDS:
        said = heard(f"{text}\nAnn Xerxes 5551234", ours=OURS)
        assert said is not None, text
        assert not {"ANN", "XERXES", "5551234"} & set(said.words.split()), text


def test_the_guide_reads_each_of_its_examples_as_we_do() -> None:
    """The last column of its table of replies; the middle one says what becomes of them."""
    guide = Path(__file__).parents[2] / "docs" / "operations.md"
    _, _, table = guide.read_text("utf-8").partition(
        "| Reply | Read as | |\n|---|---|---|\n"
    )
    rows = [line.split(" | ") for line in table.partition("\n\n")[0].splitlines()]
    said = [
        (example, reading.startswith("no more"))
        for _, reading, examples in rows
        for example in examples.removesuffix(" |")[1:-1].split("”, “")
    ]
    assert {is_stop for _, is_stop in said} == {True, False}
    assert [one for one, is_stop in said if stops(one) != is_stop] == []


def test_courtesies_take_nothing_from_a_phrase() -> None:
    """Words that are courtesies around it may be its own: "No more thanks"."""
    around = product(
        ("", "Please ", "Hi, ", "No thank you ", "ok "),
        sorted(WHOLE),
        ("", " please", " thanks!", ", thank you", " me", " svp"),
    )
    assert [text for text in map("".join, around) if not stops(text)] == []


@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    """And only what stands in the tables asks for anything."""
    said = heard(text, ours=OURS)
    if said is not None and said.wish is Wish.START:
        assert said.words in STARTS
    if said is not None and said.wish is Wish.STOP:
        is_word = said.words in STOPS | WHOLE
        assert is_word or any(one.words.search(said.words) for one in ASKED)


@given(
    st.sampled_from(sorted(STOPS)), st.text(st.sampled_from(" .!?*\n-🙏"), max_size=9)
)
def test_a_keyword_counts_in_any_dress(word: str, dress: str) -> None:
    """Case, spaces and punctuation around it say nothing."""
    for said in (word.lower() + dress, dress + word, f"{dress}{word.title()}{dress}"):
        found = heard(said, ours=OURS)
        assert found is not None
        assert found.wish is Wish.STOP


ASKED_FOR = (
    "STOP STOPP STOPALL UNSUB UNSUBSCRIBE OPTOUT OPT-OUT ALTO BAJA PARAR SAIR SALIR "  # noqa: SIM905
    "ARRET ARRÊT ARRETER ARRÊTER QUIT END CANCEL CANCELAR REVOKE REMOVE".split()
)


@pytest.mark.parametrize("word", ASKED_FOR)
def test_the_word_that_a_text_may_ask_for_is_heard(word: str) -> None:
    """What counts as opt-out words in a campaign's text ends messages when it is said."""
    assert says_how(f"Reply {word} to stop")
    assert says_how(f"Blue Fern: we are open. Reply {word}")
    said = heard(word, ours=OURS)
    assert said is not None
    assert said.wish is Wish.STOP
