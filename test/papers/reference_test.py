# SPDX-License-Identifier: MIT
"""Tests of reference.py."""
import unittest

from papers.reference import page_of


class Reference(unittest.TestCase):
    def test_a_heading_gets_an_id_of_the_paper_and_of_its_words(self):
        self.assertEqual(page_of("lib/README.md", "# Inside\n## Errors of `calls`, in short\n"),
                         "# Inside {#lib-README}\n"
                         "## Errors of `calls`, in short {#lib-README-errors-of-calls-in-short}\n")

    def test_the_title_of_the_main_page_keeps_the_id_that_doxygen_gives_it(self):
        self.assertEqual(page_of("README.md", "# Remora\n"), "# Remora\n")
        self.assertEqual(page_of("lib/README.md", "[up](../README.md)"), "[up](#index)")

    def test_a_link_to_a_paper_or_its_heading_becomes_a_reference_to_its_id(self):
        self.assertEqual(page_of("demo/README.md", "[a](../lib/wire/protocol.md#pieces) [b](#one)"),
                         "[a](#lib-wire-protocol-pieces) [b](#demo-README-one)")

    def test_a_link_to_a_header_becomes_one_to_its_page(self):
        self.assertEqual(page_of("include/remora/README.md", "[`remora/pipe.hpp`](pipe.hpp)"),
                         "[remora/pipe.hpp](@ref pipe.hpp)")

    def test_of_a_link_to_another_file_the_text_is_left(self):
        self.assertEqual(page_of("README.md", "[MIT\nlicence](LICENSE)."), "MIT\nlicence.")

    def test_addresses_images_and_code_stay_as_they_are(self):
        for text in ("[a](https://example.org/x#y)", "![a](a.svg)", "`[](int a) {}`",
                     "```cpp\n# a\n[x](y)\n```\n", "    # a\n    [x](y)\n"):
            self.assertEqual(page_of("README.md", text), text)
