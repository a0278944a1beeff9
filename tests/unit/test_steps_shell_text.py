"""Values in shell text are escaped for the place they stand in."""

from __future__ import annotations

import pytest

from crude_link.errors import CannotStart
from crude_link.steps.shell_text import ShellText


def with_value(before: str, value: str, after: str = "") -> str:
    shell = ShellText()
    shell.add_text(before)
    shell.add_value(value)
    shell.add_text(after)
    return str(shell)


def test_a_plainly_safe_value_stays_as_it_is() -> None:
    assert with_value("ls ", "runs/4/files") == "ls runs/4/files"


def test_a_value_of_its_own_is_quoted() -> None:
    assert with_value("ls ", "a b; rm x") == "ls 'a b; rm x'"


def test_within_double_quotes_what_is_active_there_is_escaped() -> None:
    assert with_value('echo "', '$(x) `y` "z" \\', '"') == 'echo "\\$(x) \\`y\\` \\"z\\" \\\\"'


def test_within_single_quotes_only_the_quote_is_special() -> None:
    assert with_value("echo '", "it's $x", "'") == "echo 'it'\"'\"'s $x'"


def test_within_the_quotes_of_bash_that_know_backslashes_both_are_escaped() -> None:
    assert with_value("echo $'it\\'s ", "a'b\\", "' x") == "echo $'it\\'s a\\'b\\\\' x"
    assert with_value("echo $'it\\'s' ", "a b") == "echo $'it\\'s' 'a b'"


def test_an_apostrophe_in_a_comment_opens_nothing() -> None:
    assert with_value("# don't\nls ", "a b") == "# don't\nls 'a b'"


def test_a_command_within_double_quotes_begins_afresh() -> None:
    assert with_value('echo "$(ls ', "a b", ')"') == "echo \"$(ls 'a b')\""


def test_an_escaped_quote_opens_nothing() -> None:
    assert with_value('echo \\"', "a b") == "echo \\\"'a b'"


def test_a_value_in_a_here_document_is_not_quoted_but_inactive() -> None:
    assert with_value("cat <<EOF\n", "a $b", "\nEOF\n") == "cat <<EOF\na \\$b\nEOF\n"
    assert with_value("cat <<'EOF'\n", "a $b", "\nEOF\n") == "cat <<'EOF'\na $b\nEOF\n"


def test_after_a_here_document_values_are_quoted_again() -> None:
    assert with_value("cat <<EOF\nit's\nEOF\nls ", "a b").endswith("ls 'a b'")


def test_a_value_that_would_end_its_here_document_is_refused() -> None:
    with pytest.raises(CannotStart, match="EOF"):
        with_value("cat <<'EOF'\n", "a\nEOF\nrm x")


@pytest.mark.parametrize("text", ["ls\n", "ls # not\nls", "cat <<E\nx\nE\nls\n", "echo '#'"])
def test_words_follow_a_command(text: str) -> None:
    shell = ShellText()
    shell.add_text(text)
    assert shell.with_words(["a", "b c"]) == text.rstrip() + " a 'b c'"


@pytest.mark.parametrize("text", ["ls # all\n", "cat <<E\nx\nE\n", "cat <<E\nx"])
def test_words_that_the_shell_would_not_read_are_refused(text: str) -> None:
    shell = ShellText()
    shell.add_text(text)
    with pytest.raises(CannotStart, match="cannot follow"):
        shell.with_words(["a"])
    assert shell.with_words([]) == text
