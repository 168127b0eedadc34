// Write bytecode for all modules that are loaded until the first cell has run, with the
// Pyodide that will load it. The rest stays as source: bytecode is as long again.
// node compile.mjs <folder of Pyodide> <folder of wheels> <folder of the library>
//                  <name of the library's zip> <module to import>...
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [home, wheels, library, zip, ...modules] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(home, "pyodide.mjs")).href);
const pyodide = await loadPyodide({ indexURL: resolve(home) });
for (const [point, root] of [["/wheels", wheels], ["/library", library]]) {
  pyodide.FS.mkdirTree(point);
  pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: resolve(root) }, point);
}
pyodide.globals.set("given", pyodide.toPy({ zip, modules }));
pyodide.runPython(`
import importlib, py_compile, sys
from pathlib import Path

sys.path += map(str, Path("/wheels").iterdir())
for name in given["modules"]:
    importlib.import_module(name)
sources = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
for source in sorted({each for each in sources if each.endswith(".py")}):
    zipped = source.startswith(given["zip"])
    path = source.replace(given["zip"], "/library") if zipped else source
    if path.startswith(("/library/", "/wheels/")):
        py_compile.compile(
            path,
            path + "c" if zipped else None,  # that is where zipimport looks for it
            source if zipped else Path(path).name,
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
`);
