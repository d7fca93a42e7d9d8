// node compile.mjs FOLDER: writes bytecode beside the sources, as if FOLDER were /opt/python.
import { loadPyodide } from "pyodide";

const TARGET = "/opt/python";
const python = await loadPyodide();
python.FS.mkdirTree(TARGET);
python.FS.mount(python.FS.filesystems.NODEFS, { root: process.argv[2] }, TARGET);
// What does not compile is a template in some package, and no function imports it.
python.runPython(`
import compileall
from py_compile import PycInvalidationMode

compileall.compile_dir("${TARGET}", quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
`);
