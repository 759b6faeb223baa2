"""What pages show of recorded results: numbers, tables and figures, and the claims that they bear out.

A module belongs to one page, or to the pages on one topic. It has

- numbers, which a page fills in by ``{eval}`performance.call_relugrad```: module constants, rounded as they are shown;
- functions called ``table`` and ``figure``, or something longer, which a hidden cell of one line calls;
- claims, each a test with a name that says what a page says. `pytest` runs them, and a failure shows the values.
"""
