"""Wrong answers to the exercises of chapter 1, each with a part of its hint."""


# %% setting | When the body raises
@contextmanager
def setting(settings, key, value):
    before = settings.get(key)
    had = key in settings
    settings[key] = value
    yield
    if had:
        settings[key] = before
    else:
        del settings[key]


# %% setting | An entry that wasn't there before
@contextmanager
def setting(settings, key, value):
    before = settings.get(key)
    settings[key] = value
    try:
        yield
    finally:
        settings[key] = before


# %% setting | drops the error of the body
@contextmanager
def setting(settings, key, value):
    present, before = key in settings, settings.get(key)
    settings[key] = value
    try:
        yield
    except Exception:
        pass
    if present:
        settings[key] = before
    else:
        del settings[key]


# %% setting | is an entry, too
@contextmanager
def setting(settings, key, value):
    before = settings.get(key)
    settings[key] = value
    try:
        yield
    finally:
        if before is None:
            del settings[key]
        else:
            settings[key] = before


# %% setting | What the body changes elsewhere
@contextmanager
def setting(settings, key, value):
    before = dict(settings)
    settings[key] = value
    try:
        yield
    finally:
        settings.clear()
        settings.update(before)


# %% setting | It fails when there was no such entry
@contextmanager
def setting(settings, key, value):
    before = settings[key]
    settings[key] = value
    try:
        yield
    finally:
        settings[key] = before


# %% forgive | It drops every error
class Forgive:
    def __init__(self, kind):
        self.error = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.error = error
        return True


# %% forgive | not kept in the attribute error
class Forgive:
    def __init__(self, kind):
        self.kind = kind
        self.error = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return isinstance(error, self.kind)


# %% forgive | UnicodeError is a subclass
class Forgive:
    def __init__(self, kind):
        self.kind = kind
        self.error = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is self.kind:
            self.error = error
            return True


# %% forgive | __enter__ must return the manager
class Forgive:
    def __init__(self, kind):
        self.kind = kind
        self.error = None

    def __enter__(self):
        pass

    def __exit__(self, kind, error, trace):
        self.error = error
        return isinstance(error, self.kind)


# %% open_all | Yours are closed when open_all returns
def open_all(managers):
    with ExitStack() as stack:
        values = [stack.enter_context(manager) for manager in managers]
        return values, stack.close


# %% open_all | The error of the third manager must come out
def open_all(managers):
    stack = ExitStack()
    values = []
    for manager in managers:
        try:
            values.append(stack.enter_context(manager))
        except Exception:
            stack.close()
            break
    return values, stack.close


# %% forgive | as if it had been dropped
class Forgive:
    def __init__(self, kind):
        self.kind = kind
        self.error = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.error = error
        return isinstance(error, self.kind)


# %% open_all | Close what was opened last first
def open_all(managers):
    entered, values = [], []

    def close_all():
        for manager in entered:
            manager.__exit__(None, None, None)

    try:
        for manager in managers:
            values.append(manager.__enter__())
            entered.append(manager)
    except BaseException:
        close_all()
        raise
    return values, close_all


# %% open_all | it must not be left either
def open_all(managers):
    def close_all():
        for manager in reversed(managers):
            manager.__exit__(None, None, None)

    try:
        return [manager.__enter__() for manager in managers], close_all
    except BaseException:
        close_all()
        raise


# %% open_all | The second thing to return is a function
def open_all(managers):
    with ExitStack() as stack:
        values = [stack.enter_context(manager) for manager in managers]
        return values, stack.pop_all()
