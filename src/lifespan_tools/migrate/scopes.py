"""Which name is bound where: the scopes of one file."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(eq=False)
class Scope:
    """A module, class, function, lambda or comprehension, and what it binds."""

    node: ast.AST
    parent: "Scope | None" = None
    bindings: dict[str, list[ast.AST]] = field(default_factory=dict)
    elsewhere: dict[str, "Scope"] = field(default_factory=dict)

    @property
    def is_module(self) -> bool:
        """Whether these are a file's globals."""
        return self.parent is None

    def bind(self, name: str, node: ast.AST) -> None:
        """Note that a node binds a name here, or where a `global` says."""
        scope = self.elsewhere.get(name, self)
        scope.bindings.setdefault(name, []).append(node)

    def lookup(self, name: str) -> "Scope | None":
        """The scope whose binding a name means here; None for Python's own names."""
        scope: Scope | None = self
        while scope is not None:
            hidden = scope is not self and isinstance(scope.node, ast.ClassDef)
            if name in scope.elsewhere and not hidden:
                return scope.elsewhere[name]
            if name in scope.bindings and not hidden:
                return scope
            scope = scope.parent
        return None

    def within(self) -> "list[Scope]":
        """This scope and those around it."""
        return [self, *(self.parent.within() if self.parent else [])]


class Names(ast.NodeVisitor):
    """A tree with each node's parent and scope."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.parents: dict[ast.AST, ast.AST] = {}
        self.scopes: dict[ast.AST, Scope] = {}
        self.inner: dict[ast.AST, Scope] = {}
        self.loads: list[ast.Name] = []
        self.calls: list[ast.Call] = []
        self.attributes: list[ast.Attribute] = []
        self.words: set[str] = set()
        self.module = self.scope = self.inner[tree] = Scope(tree)
        self.parents = {
            child: node
            for node in ast.walk(tree)
            for child in ast.iter_child_nodes(node)
        }
        self.scopes[tree] = self.module
        for statement in tree.body:
            self.visit(statement)

    def visit(self, node: ast.AST) -> None:
        """Note the scope, then what the node binds."""
        self.scopes[node] = self.scope
        super().visit(node)

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement that a node stands in; a decorator stands in its `def`."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def unconditional(self, node: ast.AST, scope: Scope) -> bool:
        """Whether a node's statement is run once for each run of a scope's body."""
        return self.parents[self.statement(node)] is scope.node

    # What binds.
    def visit_Name(self, node: ast.Name) -> None:
        self.words.add(node.id)
        if isinstance(node.ctx, ast.Load):
            self.loads.append(node)
        else:
            scope = self.scope
            if isinstance(self.parents[node], ast.NamedExpr):
                while isinstance(scope.node, COMPREHENSIONS) and scope.parent:
                    scope = scope.parent
            scope.bind(node.id, node)

    def visit_alias(self, node: ast.alias) -> None:
        name = node.asname or node.name.partition(".")[0]
        self.words.add(name)
        self.scope.bind(name, node)

    def visit_Global(self, node: ast.Global) -> None:
        for name in node.names:
            self.scope.elsewhere[name] = self.module

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        for name in node.names:
            found = self.scope.parent.lookup(name) if self.scope.parent else None
            self.scope.elsewhere[name] = found or self.module

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.scope.bind(node.name, node)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self.scope.bind(node.name, node)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name:
            self.scope.bind(node.name, node)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.scope.bind(node.rest, node)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self.calls.append(node)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.attributes.append(node)
        self.generic_visit(node)

    # What opens a scope.
    def visit_FunctionDef(self, node: Function) -> None:
        self.words.add(node.name)
        self.scope.bind(node.name, node)
        annotations = [node.returns] if node.returns else []
        for part in (*node.decorator_list, *_outside(node.args), *annotations):
            self.visit(part)
        with_parameters = Scope(node, self.scope)
        self._open(node, with_parameters, node.args, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the visitor's name

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in _outside(node.args):
            self.visit(part)
        self._open(node, Scope(node, self.scope), node.args, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.words.add(node.name)
        self.scope.bind(node.name, node)
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        self._open(node, Scope(node, self.scope), None, node.body)

    def _open(
        self,
        node: ast.AST,
        scope: Scope,
        arguments: ast.arguments | None,
        body: list[ast.stmt] | list[ast.expr],
    ) -> None:
        self.inner[node] = scope
        outer, self.scope = self.scope, scope
        for argument in _parameters(arguments) if arguments else ():
            self.words.add(argument.arg)
            self.scopes[argument] = scope
            scope.bind(argument.arg, argument)
        for part in _declarations_first(body):
            self.visit(part)
        self.scope = outer

    def _comprehension(self, node: ast.AST) -> None:
        self.inner[node] = scope = Scope(node, self.scope)
        outer, self.scope = self.scope, scope
        self.generic_visit(node)
        self.scope = outer

    visit_ListComp = _comprehension  # noqa: N815
    visit_SetComp = _comprehension  # noqa: N815
    visit_DictComp = _comprehension  # noqa: N815
    visit_GeneratorExp = _comprehension  # noqa: N815


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    extra = [each for each in (arguments.vararg, arguments.kwarg) if each]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra]


def _outside(arguments: ast.arguments) -> list[ast.expr]:
    """What of the parameters is evaluated around the function: defaults and types."""
    defaults = [each for each in (*arguments.defaults, *arguments.kw_defaults) if each]
    types = [each.annotation for each in _parameters(arguments) if each.annotation]
    return [*defaults, *types]


def _declarations_first(
    body: list[ast.stmt] | list[ast.expr],
) -> list[ast.stmt | ast.expr]:
    """`global` may stand in a branch: it holds for the whole function."""
    declared: list[ast.stmt | ast.expr] = []
    for part in body:
        declared += [
            each
            for each in own_nodes(part)
            if isinstance(each, ast.Global | ast.Nonlocal)
        ]
    return [*declared, *body]


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below, but for what stands in functions and classes inside."""
    yield node
    if not isinstance(node, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
        for child in ast.iter_child_nodes(node):
            yield from own_nodes(child)


def own_body(function: Function) -> Iterator[ast.AST]:
    """All that runs when a function is called, but for functions inside."""
    for statement in function.body:
        yield from own_nodes(statement)


def root(node: ast.expr) -> ast.expr:
    """The first name of `a.b.c`."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node
