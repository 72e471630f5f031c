"""The explorer in the browser, `openmr explore`.

`screen` turns the values of the sliders into numbers and into the Python that reproduces them,
`drawing` turns numbers into figures, `page` into HTML; `app` is the marimo app that joins them and
`server` what serves it, behind a `gate`. Only `app` and `server` need marimo.
"""
