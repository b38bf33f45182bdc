"""What the built documentation adds to its pages: the tutorials, links to the glossary, docstrings without Sphinx's marks.

``mkdocs.yml`` names this file as a hook. A word of the glossary is linked where a page first uses it. A notebook becomes a
page by nbconvert's Markdown, so that it looks like the other pages, in the dark too, and fetches nothing: mkdocs-jupyter
would bring JupyterLab's style sheet, and MathJax from another server.
"""

from __future__ import annotations

import posixpath
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

GLOSSARY = "glossary.md"
TUTORIALS = "tutorials"
TAKE_IT = "\n\n[Download this notebook]({name}.ipynb){{ download }} to run it yourself.\n\n"
OTHERS = {"x", "y", "field", "item", "sample", "code", "split", "pair"}
"""Words of the glossary that are not linked: they are read everywhere, or mean other things too."""
_KEPT = re.compile(
    r"^```.*?^```|^<div>$.*?^</div>$|^#.*?$|^\|[^\n]*\n(?=\|[-: ])|^:::.*?$|^    .*?$"
    r"|`+[^`]*`+|!?\[[^\]]*\]\([^)]*\)|<[^>]+>|\*\*[^*]+\*\*",
    re.S | re.M,
)
"""What no link is put into: code, headings, heads of tables, links, pictures, HTML and names that are set off."""
_ROLE = re.compile(r":(?:py:)?(?:class|func|meth|attr|data|mod|exc|obj):<code>(~?)([^<]+)</code>")


@cache
def words(docs_dir: str) -> dict[str, str]:
    """The anchor in the glossary of each of its words that is linked."""
    text = (Path(docs_dir) / GLOSSARY).read_text(encoding="utf-8")
    return {word: word.lower().replace(" ", "-") for word in re.findall(r"^## (.+)$", text, re.M) if word not in OTHERS}


def linked(text: str, anchors: dict[str, str], glossary: str) -> str:
    """Markdown with a link to the glossary where each of the words is first used, in the singular or the plural.

    Examples:
        >>> linked("A ``pool`` of many `pool`, and a pool.", {"pool": "pool"}, "glossary.md")
        'A ``pool`` of many `pool`, and a [pool](glossary.md#pool).'
        >>> linked("A `pool` of many pools, and a pool.", {"pool": "pool"}, "glossary.md")
        'A `pool` of many [pools](glossary.md#pool), and a pool.'
    """
    for word, anchor in anchors.items():
        form = rf"\b{word.replace(' of ', 's? of ')}s?\b(?![-/@])"
        kept = [(found.start(), found.end()) for found in _KEPT.finditer(text)]
        for found in re.finditer(form, text):
            if not any(begin < found.end() and found.start() < end for begin, end in kept):
                text = f"{text[: found.start()]}[{found[0]}]({glossary}#{anchor}){text[found.end() :]}"
                break
    return text


def without_roles(html: str) -> str:
    """A rendered page whose Sphinx roles are the names that they point to, as links where the name is on a page.

    Examples:
        >>> without_roles("<p>see :class:<code>~zoo.data.Pairs</code>::</p>")
        '<p>see <autoref optional identifier="zoo.data.Pairs"><code>Pairs</code></autoref>:</p>'
    """

    def name(found: re.Match[str]) -> str:
        short = found[2].rpartition(".")[2] if found[1] else found[2]
        return f'<autoref optional identifier="{found[2]}"><code>{short}</code></autoref>'

    return re.sub(r"::(</p>)", r":\1", _ROLE.sub(name, html))


def tutorial(path: Path) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown, with a link to itself below its heading, and its pictures by the names that it calls them.

    The words for a picture are those that its cell's metadata has under ``alt``.
    """
    import nbformat
    from nbconvert import MarkdownExporter

    book = nbformat.read(path, 4)
    text, resources = MarkdownExporter().from_notebook_node(book)
    pictures = {}
    for name, content in resources["outputs"].items():  # such as output_3_0.jpg, of cell 3
        pictures[f"{path.stem}-{name}"] = content
        alt = book.cells[int(name.split("_")[1])].metadata["alt"]
        text = re.sub(rf"!\[\w+\]\({re.escape(name)}\)", f"![{alt}]({path.stem}-{name})", text)
    heading, _, rest = text.strip().partition("\n")
    return f'{heading}{TAKE_IT.format(name=path.stem)}<div class="tutorial" markdown>\n{rest}\n\n</div>\n', pictures


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """MkDocs' own hook: a page of each notebook."""
    from mkdocs.structure.files import File

    for path in sorted((Path(config.docs_dir) / TUTORIALS).glob("*.ipynb")):
        text, pictures = tutorial(path)
        for name, content in {f"{path.stem}.md": text, **pictures}.items():
            files.append(File.generated(config, f"{TUTORIALS}/{name}", content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """MkDocs' own hook."""
    if page.file.src_uri == GLOSSARY:
        return markdown
    here = posixpath.dirname(page.file.src_uri)
    markdown = re.sub(rf"({TUTORIALS}/\w+)\.ipynb", r"\1.md", markdown)  # the notebook itself, where Markdown is read as it is
    return linked(markdown, words(config.docs_dir), posixpath.relpath(GLOSSARY, here or "."))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """MkDocs' own hook."""
    return without_roles(html)
