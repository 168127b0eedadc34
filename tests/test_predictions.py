"""predict: the reader's guess is compared in words."""

from lifespan_course import predict


def test_no_prediction() -> None:
    """Three dots stand for no guess: what was seen is said all the same."""
    assert repr(predict(...).compare(["a", "b"])) == "No prediction yet. Seen: a, b."


def test_right() -> None:
    """A right guess is confirmed."""
    assert repr(predict("a", "b").compare(["a", "b"])) == "As you predicted: a, b."


def test_wrong_order() -> None:
    """The first place that differs is named."""
    answer = repr(predict("a", "c", "b").compare(["a", "b", "c"]))
    assert answer.splitlines()[-1] == "The first difference is at place 2: b, not c."


def test_too_few_and_too_many() -> None:
    """A guess that stops early or goes on is told so."""
    assert repr(predict("a").compare(["a", "b"])).endswith("but more happened.")
    assert repr(predict("a", "b").compare(["a"])).endswith("but less happened.")


def test_nothing_seen() -> None:
    """That nothing happened is said in words."""
    assert repr(predict("a").compare([])).splitlines()[1] == "Seen:          nothing."


def test_a_list() -> None:
    """A list of names is taken for the names."""
    assert repr(predict(["a", "b"]).compare(["a", "b"])).startswith("As you predicted")
