# Run by IPython before the first cell: PYTHONSTARTUP names this file.
import fastapi
import lifespan_browser

lifespan_browser.install()
del fastapi, lifespan_browser
