// The library as a module of Python, with one function: where arrays lie. Everything else is called by address (native.py).

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace {

PyObject* addresses(PyObject*, PyObject* const* arrays, Py_ssize_t n) {
  PyObject* out = PyTuple_New(n);
  for (Py_ssize_t i = 0; out && i < n; i++) {
    Py_buffer view;
    PyObject* at = nullptr;
    if (!PyObject_GetBuffer(arrays[i], &view, PyBUF_C_CONTIGUOUS)) {
      at = PyLong_FromVoidPtr(view.buf);
      PyBuffer_Release(&view);
    }
    if (at) PyTuple_SET_ITEM(out, i, at);
    else Py_CLEAR(out);
  }
  return out;
}

PyMethodDef functions[] = {
    {"addresses", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(addresses)), METH_FASTCALL,
     "Where each of the arrays lies. ValueError if one is not contiguous, TypeError if it is no array."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {PyModuleDef_HEAD_INIT, "_native", nullptr, -1, functions, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__native() { return PyModule_Create(&module); }
