"""Which encoding a list is in, judged by its letters."""

from __future__ import annotations

import pytest

from bulksend.prepare.alphabets import ENCODINGS, judge_blocks

# encoding, names in it
LISTS: list[tuple[str, str]] = [
    ("cp1252", "José"),
    ("cp1252", "NÚÑEZ PEÑA"),
    ("cp1252", "João"),
    ("cp1252", "Müller"),
    ("cp1252", "O’Neil D’Angelo"),
    ("cp1252", "O’Neil"),
    ("cp1252", "Ana’s"),
    ("cp1252", "José García Renée Núñez Zoë Müller François D’Arcy"),
    ("cp1252", "Jürgen Weiß Käthe Schröder Björn Groß"),
    ("cp1252", "Hélène Lefèvre Benoît Gaël Anaïs Hervé Cœur"),
    ("cp1252", "Åsa Öberg Sjöström Kjærgård Bjørn"),
    ("cp1252", "Guðrún Þórsdóttir Sigurður Ásgeirsson Björk"),
    ("cp1252", "Conceição Magalhães São Antônio"),
    ("cp1252", "Niccolò Mercé Nardò"),
    ("cp1252", "Mäkelä Hyvönen"),
    ("cp1250", "Michał Święcki Żaneta Kędzierska Łukasz Dąbrowski Wójcik"),
    ("cp1250", "Jiří Dvořák Kateřina Černá Němec Růžena Novák Tomáš"),
    ("cp1250", "Erdős Pál Kovács István Szűcs Gergő Tóth Ödön"),
    ("cp1250", "Šime Đurić Željko Čović Krešimir"),
    ("iso-8859-2", "Michał Święcki Żaneta Kędzierska Łukasz Dąbrowski"),
    ("cp852", "Michał Święcki Łukasz Dąbrowski"),
    ("cp1254", "Ayşe Yılmaz Gökçe Şahin Doğan İnce Çiğdem Öztürk"),
    ("cp1257", "Jānis Bērziņš Līga Kalniņa Ģirts"),
    ("cp1257", "Žydrūnas Šarūnas Rūta Meilutytė Jonė"),
    ("cp1251", "Иван Петров Анна Иванова Сергей"),
    ("cp1251", "ИВАН ПЕТРОВА"),
    ("cp1251", "Олександр Шевченко Їжак Єва"),
    ("koi8-r", "Иван Петров Анна Иванова Сергей"),
    ("cp866", "Иван Петров Анна Иванова Сергей"),
    ("cp1253", "Γιώργος Παπαδόπουλος Άννα Νικολάου"),
    ("cp1255", "שלום כהן דוד לוי"),
    ("cp1256", "محمد علي فاطمة"),
    ("mac_roman", "José García Renée Núñez Zoë Müller François D’Arcy"),
    ("cp850", "José García Renée Núñez Zoë Müller"),
]


@pytest.mark.parametrize(
    ("encoding", "names"), LISTS, ids=[f"{e} {n}"[:30] for e, n in LISTS]
)
def test_a_list_of_names_is_read_as_it_was_written(encoding: str, names: str) -> None:
    """Every letter of it, and the example is one of its words."""
    lines = "".join(f"{name},+1415555010{i}\n" for i, name in enumerate(names.split()))
    data = lines.encode(encoding)
    found = judge_blocks([b"name,phone\n", data[:9], data[9:]])
    assert found.encoding in ENCODINGS
    assert data.decode(found.encoding) == lines
    assert found.example
    assert found.example in names


UNCLEAR: list[tuple[str, bytes]] = [
    ("plain", b"Ann,1\n"),
    ("UTF-8", "José\nRenée\n".encode()),
    ("a sign alone", "€50".encode("cp1252")),
    ("a stray byte", b"Bob\xff\n"),
    ("UTF-8 with damage", "José\nRenée\nZoë\n".encode() * 9 + b"Jos\xe9\n"),
    ("Japanese", "田中太郎\n鈴木花子\n".encode("shift_jis")),
    ("Korean", "김철수\n이영희\n박지성\n".encode("euc-kr")),
    ("Chinese", "王小明\n陳大文\n".encode("big5")),
    ("noise", bytes(range(128, 256)) * 3),
    ("a letter that is not in it", b"Jos\xe9\n\x81\n"),
]


# encoding, names in it: too few letters to be sure
SHORT = [
    ("mac_roman", "Müller"), ("mac_roman", "Ana’s"), ("mac_roman", "Åsa"),
    ("mac_roman", "Peña Muñoz"), ("mac_roman", "Jürgen Müller Weiß"), ("cp850", "Zoë"),
]  # fmt: skip


@pytest.mark.parametrize(("encoding", "names"), SHORT)
def test_of_few_letters_every_likely_reading_is_shown(
    encoding: str, names: str
) -> None:
    """Its own among them, and one word in each, by which a person can tell."""
    data = "".join(f"{name}\n" for name in names.split()).encode(encoding)
    found = judge_blocks([data])
    assert not found.example
    words = dict(found.readings)
    assert len(set(words.values())) == len(words) <= 3
    assert any(
        word in names and data.decode(one) == data.decode(encoding)
        for one, word in words.items()
    )


@pytest.mark.parametrize("data", [c[1] for c in UNCLEAR], ids=[c[0] for c in UNCLEAR])
def test_where_it_is_not_clear_nothing_is_assumed(data: bytes) -> None:
    """A garbled name costs more than a question."""
    assert not judge_blocks([data]).example
