"""Programs that people start: the command line and the explorer in the browser.

In: arguments, names of files, moved sliders; out: text, JSON, files, a page. May
not compute what a station below gives; nothing imports it.
"""
