"""Pictures of the graph: `picture` says what is in one, `tree`, `mermaid`, `dot` and `svg` each draw it as text.

All pure. Nobody here knows files, git or terminals, and every drawer makes strangers' text harmless for its format.
"""
