# SPDX-License-Identifier: MIT
"""Tests of extract.py: papers of a few lines, in a directory of their own."""
import pathlib
import tempfile
import unittest

from papers.extract import Paper, Tree, fragments_of, problems_of, sources_of

PROGRAM = """# A title
```cpp
// app.cpp
int main() {}
```
"""


class Papers(unittest.TestCase):
    def problems(self, text, files=(), **known):
        """What is wrong with README.md of this text, in a tree that has these files, {name: text}."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, content in {"README.md": text, **dict(files)}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(content)
            tree = Tree(root)
            return list(problems_of(tree, tree.papers["README.md"], **known))

    def test_a_block_with_the_name_of_a_file_is_that_file(self):
        sources = sources_of(Paper("README.md", PROGRAM), "README.md")
        self.assertEqual(sources, {"app.cpp": '#line 3 "README.md"\n// app.cpp\nint main() {}\n'})

    def test_fragments_become_one_file_with_their_includes_before_them(self):
        paper = Paper("p.md", "```cpp\n#include <a.hpp>\nint a;\n```\n```cpp body\na = 1;\n```\n")
        lines = fragments_of(paper, "p.md").splitlines()
        self.assertLess(lines.index("#include <a.hpp>"), lines.index("int a;"))
        self.assertLess(lines.index("int a;"), lines.index("a = 1;"))
        self.assertEqual(lines[lines.index("a = 1;") - 1], '#line 6 "p.md"')

    def test_code_of_another_language_is_no_fragment(self):
        self.assertEqual(sources_of(Paper("p.md", "```meson\nproject('x')\n```\n"), "p.md"), {})

    def test_a_block_without_an_end_is_an_error(self):
        with self.assertRaises(SystemExit):
            Paper("p.md", "```cpp\nint a;\n")

    def test_code_that_nobody_compiles_is_a_problem(self):
        self.assertEqual(self.problems(PROGRAM), ["3: this code is not compiled"])
        self.assertEqual(self.problems(PROGRAM, compiled=["README.md"]), [])

    def test_a_link_to_a_file_that_is_not_there_is_a_problem(self):
        text = "[a](there.md) [b](gone.md) [c](https://example.org/x)\n"
        self.assertEqual(self.problems(text, {"there.md": ""}), ["1: no file gone.md"])

    def test_a_link_to_a_heading_that_is_not_there_is_a_problem(self):
        files = {"other.md": "## Errors of `calls`, in short\n"}
        self.assertEqual(self.problems("[a](other.md#errors-of-calls-in-short)\n", files), [])
        self.assertEqual(self.problems("[a](other.md#errors)\n", files), ["1: no heading #errors in other.md"])
        self.assertEqual(self.problems("# One\n[a](#one) [b](#two)\n"), ["2: no heading #two in README.md"])

    def test_a_file_that_is_named_has_to_be_there(self):
        files = {"lib/wire/frame.cpp": ""}
        self.assertEqual(self.problems("`wire/frame.cpp` and `frame.cpp`\n", files), [])
        self.assertEqual(self.problems("`ire/frame.cpp`\n", files), ["1: no file ire/frame.cpp"])

    def test_an_excerpt_stands_in_its_file(self):
        files = {"a.cpp": "int a;\n    int b;\nint c;\n"}
        self.assertEqual(self.problems("```cpp\n// from a.cpp\nint a;\nint b;\n```\n", files), [])
        self.assertEqual(self.problems("```cpp\n// from a.cpp\nint a;\n// ...\nint c;\n```\n", files), [])
        wrong = ["2: these lines do not stand in a.cpp"]
        self.assertEqual(self.problems("```cpp\n// from a.cpp\nint a;\nint c;\n```\n", files), wrong)
        self.assertEqual(self.problems("```cpp\n// from a.cpp\nint c;\n// ...\nint a;\n```\n", files), wrong)

    def test_an_excerpt_in_python_stands_in_its_file(self):
        files = {"a.py": "import a\n    b = 1\nc = 2\n"}
        self.assertEqual(self.problems("```python\n# from a.py\nimport a\n# ...\nc = 2\n```\n", files), [])
        wrong = ["2: these lines do not stand in a.py"]
        self.assertEqual(self.problems("```python\n# from a.py\nimport a\nc = 2\n```\n", files), wrong)

    def test_what_a_program_prints_is_compared(self):
        here = pathlib.Path("/")
        self.assertEqual(self.problems("```text\n$ ./bin/echo 1\n1\n$ ./bin/false\n[1]\n```\n", programs=here), [])
        told = self.problems("```text\n$ ./bin/echo 1\n2\n```\n", programs=here)
        self.assertEqual(told, ["2: it prints something else:\n$ ./bin/echo 1\n1"])

    def test_what_a_demo_prints_is_a_part_of_its_expected_file(self):
        files = {"demo/1_a/expected": "$ 1_a_server x\n1\n2\n"}
        self.assertEqual(self.problems("```text\n$ 1_a_server x\n1\n```\n", files), [])
        self.assertEqual(self.problems("```text\n$ 1_a_server x\n2\n```\n", files), ["2: no demo prints this"])

    def test_wide_code_is_a_problem(self):
        self.assertEqual(self.problems("```text\n" + 100 * "x" + "\n```\n"), ["2: 100 columns"])


if __name__ == "__main__":
    unittest.main()
