"""What holds the site true: every chapter is run in a real browser and compared.

The modules named test_* need no browser. `python -m tests.browser.check` does.
"""
