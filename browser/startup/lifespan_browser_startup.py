# Run by IPython before the first cell: PYTHONSTARTUP names this file.
import fastapi  # noqa: F401 - loaded while the reader still reads
import lifespan_browser

lifespan_browser.install()
del fastapi, lifespan_browser
