"""How Sphinx builds these pages: ``sphinx-build -W --keep-going -b html docs docs/_build/html``.

Nothing is fetched from the network. A name in backticks leads somewhere, or the build fails.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from docutils import nodes
from numpydoc.docscrape import NumpyDocString
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

os.environ["MPLBACKEND"] = "Agg"

import pynn
from pynn import playing

# ---- The project -------------------------------------------------------------------------------

project = "pynn"
author = "the pynn developers"
copyright = f"2026, {author}"
release = version = pynn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "matplotlib.sphinxext.plot_directive",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
nitpicky = True
smartquotes = False  # values are printed as they are typed

# ---- Pages -------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
copybutton_prompt_text = ">>> "  # of doctests, which are copied without it

plot_include_source = True
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = [("png", 130)]

# The pages below a page, in the order of the sidebar. They stand here, and examples are linked as
# files, because Markdown on a code host knows neither toctrees nor the gallery.
_BELOW = {
    "index": "getting_started user_guide auto_examples/index api/index about",
    "user_guide": "installing what_is_in_it playground networks training populations "
    "dask looking_inside pictures scikit_learn beyond_scikit_learn tabular how_tabular_works "
    "command_line tables tuning regression uncertainty exporting troubleshooting "
    "from_keras from_numpy",
    "about": "guarantees how_fast how_it_is_made contributing changelog",
}


# The page of the playground in the site. On a code host, links to its states lead to playground.md.
_PLAYGROUND = "_static/playground.html"


def complete(app, docname, content):
    """Add to a page what only the site has: its toctree, links to gallery and playground."""
    text = content[0].replace("](../examples/README.rst)", "](auto_examples/index.rst)")
    text = re.sub(r"\]\(\.\./examples/(\w+)\.py\)", r"](auto_examples/\1.rst)", text)
    link = rf'<a class="try" href="{_PLAYGROUND}#\2">\1</a>'
    text = re.sub(r"\[([^][]+)\]\(playground\.md\?([^)\s]*)\)", link, text)
    if docname in _BELOW:
        pages = "\n".join(_BELOW[docname].split())
        text += f"\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n"
    content[0] = text


# ---- Docstrings --------------------------------------------------------------------------------

default_role = "py:obj"  # `Network` is a reference
autodoc_typehints = "none"  # docstrings say more: shapes, units, ranges
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"  # fit(), not Network.fit(), beside the page
autosummary_generate = True
numpydoc_show_class_members = False  # templates list them, with all that is said of them
numpydoc_class_members_toctree = False
numpydoc_validation_checks = {
    "all",  # but for these
    "ES01",  # a summary may be enough
    "EX01",  # classes and functions have examples, methods need none
    "PR03",  # parameters that are described elsewhere stand together
    "PR04",  # "See `cost`." is a description
    "PR07",  # so may its type be: "Network, or fitted MLPClassifier or MLPRegressor"
    "RT02",  # a name in front of the type says what it is
    "RT03",
    "RT04",
    "RT05",
    "SA01",
    "SS05",  # what a function returns, as its first words: "Mean cost of these rows"
}
numpydoc_validation_overrides = {"PR01": {"^See `"}, "RT01": {"^See `"}}
numpydoc_validation_exclude = {  # not called by users
    r"\.State$",
    r"\.State\.epoch_ended$",
    r"\.Preparation$",
}

# ---- Examples ----------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"\.py$",  # all of them run
    "within_subsection_order": "FileNameSortKey",
    "default_thumb_file": str(Path(__file__).with_name("_static") / "pynn.svg"),
    "abort_on_example_error": True,
    "reference_url": {"pynn": None},  # names of ours in the source lead to the reference
    "backreferences_dir": "api/generated/examples",
    "doc_module": ("pynn",),
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": float("inf"),  # pages are the same whatever a build took
    "write_computation_times": False,
}

# ---- The look of it ----------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "pynn"
html_static_path = ["_static"]
html_css_files = ["pynn.css"]
html_logo = html_favicon = "_static/pynn.svg"
html_sidebars = {"getting_started": []}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": f"pynn {release}"},
    "navigation_with_keys": False,
    "show_prev_next": True,
    "show_toc_level": 2,
    "secondary_sidebar_items": {"**": ["page-toc"], "playground": []},  # room for the page
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
}

# ---- References that Sphinx cannot know --------------------------------------------------------

_SITES = {  # where the names of others are documented
    "matplotlib": "https://matplotlib.org/stable/api/_as_gen/{}.html",
    "pyarrow": "https://arrow.apache.org/docs/python/generated/{}.html",
    "numpy": "https://numpy.org/doc/stable/reference/generated/{}.html",
    "sklearn": "https://scikit-learn.org/stable/modules/generated/{}.html",
}


def spared(env):
    """Return names that lead nowhere, and may; Sphinx keeps them with what it knows of pages."""
    return env.__dict__.setdefault("pynn_spared", set())


def collect_names(app, what, name, obj, options, lines):
    """Note which parameters and attributes there are: docstrings name them in backticks, too."""
    text = NumpyDocString("\n".join(lines))
    for section in ("Parameters", "Attributes"):
        for entry in text[section]:
            spared(app.env).update(part.strip() for part in entry.name.split(","))


def resolve(app, env, node, contnode):
    """Lead to a name of ours without its module, or to others' documentation; spare parameters."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    if target in spared(env):
        return contnode
    places = {
        (entry.docname, entry.node_id): name
        for search in (f"pynn.Network.{target}", target)
        for name, entry in env.domains.python_domain.find_obj(env, None, None, search, None, 1)
    }
    for (page, anchor), name in places.items():  # several methods of one name: Network's
        return make_refnode(app.builder, node["refdoc"], page, anchor, contnode, name)
    site = _SITES.get(target.partition(".")[0])
    if not site:
        return None
    owner = target.rpartition(".")[0]
    is_method = owner.rpartition(".")[2][0].isupper()
    page = site.format(owner) + f"#{target}" if is_method else site.format(target)
    return nodes.reference("", "", contnode, refuri=page, internal=False)


def skip(app, what, name, obj, skip, options):
    """Leave out what is inherited from scikit-learn or Python, and how callbacks are begun."""
    if name == "begin":
        return True
    if not (getattr(obj, "__module__", None) or "").startswith(("sklearn", "collections")):
        return None
    spared(app.env).add(name)
    return True


def add_playground(app, error):
    """Write the page of the playground, which docs/playground.md shows in a frame."""
    if error is None and app.builder.format == "html":
        (Path(app.outdir) / _PLAYGROUND).write_text(playing.page(), encoding="utf-8")


class CommandHelp(SphinxDirective):
    """``{command-help} demo``: what ``pynn demo --help`` prints."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self):
        """Ask the command."""
        command = [sys.executable, "-P", "-m", "pynn", *"".join(self.arguments).split(), "--help"]
        environment = os.environ | {"COLUMNS": "88", "NO_COLOR": "1"}
        text = subprocess.check_output(command, text=True, env=environment)
        return [nodes.literal_block(text, text, language="text")]


def setup(app):
    """Connect all of this."""
    app.connect("source-read", complete)
    app.connect("autodoc-process-docstring", collect_names, priority=400)  # numpydoc: 500
    app.connect("autodoc-skip-member", skip)
    app.connect("missing-reference", resolve)
    app.connect("build-finished", add_playground)
    app.add_directive("command-help", CommandHelp)
