"""The series as a static site in which the notebooks run in the reader's browser.

`python -m browser.build` makes it, `python -m browser.serving` shows it on loopback.
JupyterLite brings the pages, Pyodide runs Python; versions.py says which ones fit.
"""
