# cython: language_level=3, freethreading_compatible=True
"""The extension module: checks arrays, releases the GIL and calls the core by csrc/pynn.h.

Nothing here is public. Arrays are read by the buffer protocol. Each function documents the arrays
that it accepts; others raise TypeError or ValueError before anything is computed. Messages for
users are written in the Python modules.
"""
import os
import sys
import threading
import weakref
from array import array

from cpython.buffer cimport (
    Py_buffer, PyBUF_FORMAT, PyBUF_STRIDED, PyBUF_STRIDED_RO, PyBuffer_Release, PyObject_GetBuffer,
)
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from cpython.pythread cimport PyThread_get_thread_ident
from cpython.ref cimport Py_DECREF, PyObject
from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport strchr

cdef extern from *:
    """
    #include <stdatomic.h>
    static int flag_is_set(void *flag) { return atomic_load((atomic_int *)flag); }
    static void set_flag(void *flag) { atomic_store((atomic_int *)flag, 1); }
    """
    const char *PYNN_VERSION
    int flag_is_set(void *) noexcept nogil
    void set_flag(void *) noexcept

VERSION = PYNN_VERSION.decode()
MOST_THREADS = PYNN_MOST_THREADS


# ---- Names and codes ----------------------------------------------------------------------------

cdef list _names(const char *(*name_of)(int) noexcept nogil):
    names = []
    while name_of(len(names)) is not NULL:
        names.append(name_of(len(names)).decode())
    return names


# name -> code, in the order of the lists in csrc
ACTIVATION_CODES = {name: i for i, name in enumerate(_names(pynn_activation_name))}
COST_CODES = {name: i for i, name in enumerate(_names(pynn_cost_name))}
RULE_CODES = {name: i for i, name in enumerate(_names(pynn_rule_name))}
ISAS = {name: i for i, name in enumerate(_names(pynn_isa_name))}

# name -> whether it is for the output layer only
ACTIVATIONS = {n: bool(pynn_activation_is_output_only(i)) for n, i in ACTIVATION_CODES.items()}
# name -> the output activation that the cost is tied to; None: any
COSTS = {
    n: None if pynn_cost_output(i) is NULL else pynn_cost_output(i).decode()
    for n, i in COST_CODES.items()
}
EMBEDDING_KINDS = {
    "piecewise_linear": PYNN_PIECEWISE_LINEAR,
    "periodic": PYNN_PERIODIC,
    "categories": PYNN_CATEGORIES,
}
# name -> number of slots
RULES = {n: pynn_rule_n_slots(i) for n, i in RULE_CODES.items()}


NORM_CODES = {None: PYNN_NO_NORM, "layer": PYNN_LAYER_NORM, "batch": PYNN_BATCH_NORM}


# ---- Instruction set and BLAS -------------------------------------------------------------------

def available_isas():
    """Return the instruction sets compiled in and supported by this machine, slowest first."""
    return [name for name, code in ISAS.items() if pynn_isa_available(code)]


def isa_in_use():
    """Return the name of the instruction set in use."""
    return pynn_isa_name(pynn_isa_in_use()).decode()


def isa_is_tuned():
    """Return whether large products use tiles of the instruction set rather than BLAS."""
    return bool(pynn_isa_is_tuned())


def use_isa(name, bint blas=False):
    """Use the kernels of an instruction set from the next call on, in the whole process.

    blas : whether large products use SciPy's BLAS even if the set has tuned tiles
    """
    if name not in available_isas():
        raise ValueError(f"instruction set {name!r} is not available; choose from: "
                         + ", ".join(available_isas()))
    pynn_use_isa(ISAS[name])
    pynn_force_blas(blas)
    if not isa_is_tuned():
        _hand_in_blas()


def thread_limit():
    """Return the maximum number of threads that a call chooses by default; 0: no limit."""
    return pynn_get_thread_limit()


def set_processors(int n):
    """Tell the core how many processors this process may use."""
    pynn_set_processors(n)


cdef void *_blas_function(name, scalar) except NULL:
    """Return a BLAS function that SciPy exports for Cython, after checking its signature.

    The capsule's name is the signature; in a SciPy with 64-bit BLAS sizes, it lacks `int *`.
    """
    import scipy.linalg.cython_blas  # imported late: it takes 0.3 s
    capsule = scipy.linalg.cython_blas.__pyx_capi__[name]
    cdef const char *signature = PyCapsule_GetName(capsule)
    real = f"__pyx_t_5scipy_6linalg_11cython_blas_{scalar} *"
    expected = ("void (char *, char *, int *, int *, int *, "
                f"{real}, {real}, int *, {real}, int *, {real}, {real}, int *)")
    if signature.decode() != expected:
        raise ImportError(f"scipy.linalg.cython_blas.{name} is '{signature.decode()}'; pynn can "
                          f"use '{expected}' (BLAS with 32-bit sizes)")
    return PyCapsule_GetPointer(capsule, signature)


cdef int _hand_in_blas() except -1:
    """Pass SciPy's BLAS to the core, for instruction sets without tuned tiles."""
    cdef pynn_blas blas
    blas.sgemm = _blas_function("sgemm", "s")
    blas.dgemm = _blas_function("dgemm", "d")
    pynn_set_blas(&blas)
    return 0


def _start():
    wanted = os.environ.get("PYNN_ISA") or available_isas()[-1]
    try:
        use_isa(wanted, os.environ.get("PYNN_BLAS", "0") != "0")
    except ValueError as error:
        raise ImportError(f"PYNN_ISA: {error}") from None


_start()


# ---- Arrays -------------------------------------------------------------------------------------

cdef char NATIVE = ord("<" if sys.byteorder == "little" else ">")


cdef class _Array:
    """A borrowed array of native, aligned elements of one format, created by `_borrow`."""

    cdef Py_buffer view
    cdef bint held

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)

    cdef int expect_shape(self, Py_ssize_t first, Py_ssize_t second=-1) except -1:
        if self.view.shape[0] != first or (second >= 0 and self.view.shape[1] != second):
            shape = tuple(self.view.shape[i] for i in range(self.view.ndim))
            raise ValueError(f"array of shape {(first, second)} expected, got {shape}")
        return 0

    cdef void *vector(self, Py_ssize_t n) except NULL:
        """Return the data of the array, which must be a contiguous vector (n,)."""
        self.expect_shape(n)
        if n > 1 and self.view.strides[0] != self.view.itemsize:
            raise ValueError("contiguous array expected")
        return self.view.buf


# A function, as a constructor's arguments are converted to Python objects.
cdef _Array _borrow(array, const char *formats, int n_dimensions, bint writable=False):
    """Borrow an array of one of these formats, with one or two dimensions."""
    cdef _Array self = _Array.__new__(_Array)
    PyObject_GetBuffer(
        array, &self.view, (PyBUF_STRIDED if writable else PyBUF_STRIDED_RO) | PyBUF_FORMAT)
    self.held = True
    cdef const char *found = self.view.format
    if found[0] == NATIVE:  # NumPy's prefix after swapping the byte order twice
        found += 1
    if self.view.ndim != n_dimensions:
        raise ValueError(f"array of {n_dimensions} dimensions expected, got {self.view.ndim}")
    if found[0] == 0 or found[1] != 0 or strchr(formats, found[0]) is NULL:
        raise TypeError(
            f"array of format {formats.decode()!r} expected, got {found.decode()!r}")
    cdef size_t misaligned = <size_t>self.view.buf
    for i in range(n_dimensions):
        if self.view.shape[i] > 1:  # otherwise the stride is unused and arbitrary
            misaligned |= <size_t>self.view.strides[i]
    if misaligned & <size_t>(self.view.itemsize - 1):  # item sizes are powers of 2
        raise ValueError("aligned array expected")
    return self


def all_finite(vector):
    """Return whether a contiguous float32 or float64 vector has neither infinity nor NaN."""
    cdef _Array a = _borrow(vector, "fd", 1)
    cdef Py_ssize_t n = a.view.shape[0]
    cdef void *start = a.vector(n)
    cdef pynn_dtype dtype = PYNN_F32 if a.view.itemsize == 4 else PYNN_F64
    cdef int answer
    with nogil:
        answer = pynn_all_finite(dtype, start, n)
    return bool(answer)


def narrow(out, numbers):
    """Convert numbers, float64, to out, float32, both (m, n). Overflow gives infinity.

    NumPy takes microseconds for this, because its warning must be switched off first.
    """
    cdef _Array a = _borrow(numbers, "d", 2), o = _borrow(out, "f", 2, True)
    cdef Py_ssize_t m = a.view.shape[0], n = a.view.shape[1], i, j
    cdef char *to
    cdef const char *given
    o.expect_shape(m, n)
    with nogil:
        for i in range(m):
            to = <char *>o.view.buf + i * o.view.strides[0]
            given = <const char *>a.view.buf + i * a.view.strides[0]
            for j in range(n):
                (<float *>(to + j * o.view.strides[1]))[0] = <float>(
                    <const double *>(given + j * a.view.strides[1]))[0]
    return out


# ---- Ctrl-C -------------------------------------------------------------------------------------

cdef dict _stops = {}  # thread -> the Stop whose block it runs


cdef class Stop:
    """Ends the core's calls in other threads, which do not receive Ctrl-C, by KeyboardInterrupt.

    It affects threads inside a block ``with stop:``. Setting it also sets each Stop that was
    created inside such a block.
    """

    cdef int flag
    cdef object inner, __weakref__

    def __cinit__(self):
        cdef Stop outer = _stops.get(PyThread_get_thread_ident())
        self.inner = set()
        if outer is not None:
            for gone in [one for one in list(outer.inner) if one() is None]:
                outer.inner.discard(gone)
            outer.inner.add(weakref.ref(self))
            if outer.is_set:
                self.set()

    @staticmethod
    def check():
        """Raise KeyboardInterrupt if the Stop of this thread was set."""
        cdef Stop stop = _stops.get(PyThread_get_thread_ident())
        if stop is not None and stop.is_set:
            raise KeyboardInterrupt

    def __enter__(self):
        _stops[PyThread_get_thread_ident()] = self
        return self

    def __exit__(self, *_):
        _stops.pop(PyThread_get_thread_ident(), None)

    def set(self):
        """End the current and all later calls of these threads."""
        set_flag(&self.flag)
        for one in list(self.inner):
            inner = one()
            if inner is not None:
                inner.set()

    @property
    def is_set(self):
        """Whether the Stop was set."""
        return bool(flag_is_set(&self.flag))


def _forget_stops():
    """Forget threads that a forked child does not have: new threads may reuse their numbers."""
    here = PyThread_get_thread_ident()
    for thread in [one for one in _stops if one != here]:
        del _stops[thread]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_stops)


cdef class _Interruption:
    """Runs Python's signal handlers during a call of the core and keeps what they raise."""

    cdef pynn_control control
    cdef object raised
    cdef Stop stop

    def __cinit__(self):
        # Python runs signal handlers in the main thread only; other threads may have a Stop.
        # Compare numbers: current_thread() takes as long as the prediction of a small network.
        cdef unsigned long here = PyThread_get_thread_ident()
        if here == <unsigned long>threading.main_thread().ident:
            self.control.interrupted = _check_signals
            self.control.context = <void *>self
            return
        self.stop = _stops.get(here)
        if self.stop is None:
            return
        if self.stop.is_set:
            raise KeyboardInterrupt
        self.control.interrupted = flag_is_set
        self.control.context = &self.stop.flag
        self.control.is_cheap = 1


cdef int _check_signals(void *interruption) noexcept with gil:
    try:
        PyErr_CheckSignals()
    except BaseException as error:
        (<_Interruption>interruption).raised = error
        return 1
    return 0


cdef int _raise_if(pynn_status status, _Interruption interruption) except -1:
    """Raise the exception for a status of the core, if any."""
    if status == PYNN_NO_MEMORY:
        raise MemoryError("no memory for the activations and deltas of a mini-batch")
    if status == PYNN_INTERRUPTED and interruption.stop is not None:
        raise KeyboardInterrupt
    if status == PYNN_INTERRUPTED and interruption.raised is None:
        raise RuntimeError("a signal handler forked this process amid a call with several threads; "
                           "the child cannot finish it")
    if status == PYNN_INTERRUPTED:
        raise interruption.raised
    if status == PYNN_DIVERGED:
        raise FloatingPointError("a cost or a parameter is no longer finite")
    if status == PYNN_NOT_FINITE:
        raise ValueError("X must be finite, but holds NaN, infinity or a value beyond the "
                         "network's dtype")
    return 0


cdef class Undo:
    """Calls a function if a block raises an exception; repeats the call until it succeeds.

    With always, it calls the function however the block ends.

    If a signal handler raises during the function, the function is called again, so it must be safe
    to repeat after an incomplete call. The last exception is then raised. Unlike in a context
    manager written in Python, no signal handler can run between the block and ``__exit__``.
    """

    cdef object function
    cdef bint always

    def __init__(self, function, bint always=False):
        self.function, self.always = function, always

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is None and not self.always:
            return
        later = None
        for _ in range(100):  # more failures are not caused by signals
            try:
                self.function()
                break
            except BaseException as raised:
                later = raised
        if later is not None:
            raise later


# ---- Random numbers -----------------------------------------------------------------------------

cdef struct bitgen_t:  # as in numpy/random/bitgen.h
    void *state
    uint64_t (*next_uint64)(void *) noexcept nogil
    uint32_t (*next_uint32)(void *) noexcept nogil
    double (*next_double)(void *) noexcept nogil
    uint64_t (*next_raw)(void *) noexcept nogil


# ---- The network --------------------------------------------------------------------------------

cdef class SparseRows:
    """Sparse rows (n_rows, n_in) in CSR format: row i has entries starts[i] .. starts[i + 1] - 1.

    The core relies on starts and columns, so the caller must have checked them.

    Parameters
    ----------
    starts : int64, shape (n_rows + 1,), contiguous; ascending from 0 to n_entries
    columns : int32, shape (n_entries,), contiguous; from 0 to n_in - 1
    values : array of the network's dtype, shape (n_entries,), contiguous
    n_in : int
    """

    cdef _Array starts_held, columns_held, values_held
    cdef readonly object columns, values
    cdef readonly int64_t n_in

    def __init__(self, starts, columns, values, int64_t n_in):
        cdef _Array s = _borrow(starts, "lq", 1), c = _borrow(columns, "il", 1)
        cdef _Array v = _borrow(values, "fd", 1)
        if c.view.itemsize != sizeof(int32_t):
            raise TypeError("columns must be int32")
        s.vector(s.view.shape[0])
        c.vector(v.view.shape[0])
        v.vector(v.view.shape[0])
        self.starts_held, self.columns_held, self.values_held = s, c, v
        self.columns, self.values, self.n_in = columns, values, n_in

    def __len__(self):
        return self.starts_held.view.shape[0] - 1


cdef class Data:
    """Rows to learn from or to predict. Holds the arrays while the core reads them.

    Parameters
    ----------
    x : array of the network's dtype, shape (n_rows, n_in); or SparseRows of that dtype
    y : array of the network's dtype, shape (n_rows, n_out); or int64 labels, shape (n_rows,),
        contiguous and within the classes; or None where only predictions are wanted
    row_weights : float64, shape (n_rows,), contiguous; or None
    checked : whether x is known to be finite; otherwise calls raise ValueError if it is not
    """

    cdef pynn_data data
    cdef int64_t n_in
    cdef readonly int64_t n_missing  # elements of sparse x without an entry
    cdef tuple held

    def __init__(self, x, y=None, row_weights=None, bint checked=False):
        cdef Py_ssize_t n_rows = len(x)
        cdef SparseRows rows
        cdef _Array a = None
        cdef _Array t = None
        cdef _Array w = None
        self.data.n_rows = n_rows
        self.data.checked = checked
        if isinstance(x, SparseRows):
            rows = x
            a, self.n_in = rows.values_held, rows.n_in
            self.n_missing = n_rows * rows.n_in - len(rows.values)
            self.data.starts = <const int64_t *>rows.starts_held.view.buf
            self.data.n_entries = rows.values_held.view.shape[0]
            self.data.columns = <const int32_t *>rows.columns_held.view.buf
            self.data.values = a.view.buf
        else:
            a = _borrow(x, "fd", 2)
            self.n_in = a.view.shape[1]
            self.data.x = a.view.buf
            self.data.x_strides[0], self.data.x_strides[1] = a.view.strides[0], a.view.strides[1]
        if y is not None and y.ndim == 1:
            t = _borrow(y, "lq", 1)
            self.data.labels = <const int64_t *>t.vector(n_rows)
        elif y is not None:
            t = _borrow(y, "fd", 2)
            t.expect_shape(n_rows)
            self.data.y = t.view.buf
            self.data.y_strides[0], self.data.y_strides[1] = t.view.strides[0], t.view.strides[1]
        if row_weights is not None:
            w = _borrow(row_weights, "d", 1)
            self.data.row_weights = <const double *>w.vector(n_rows)
        self.held = (a, t, w, x)

    @property
    def n_rows(self):
        """Number of rows."""
        return self.data.n_rows

    @property
    def has_labels(self):
        """Whether the targets are class labels."""
        return self.data.labels is not NULL

    cdef int expect(self, Py_ssize_t itemsize, int64_t n_in, int64_t n_out) except -1:
        """Check the data against a network; n_out 0: no targets are needed."""
        cdef _Array x = self.held[0], t = self.held[1]
        if x.view.itemsize != itemsize:
            raise TypeError("x is not of the network's dtype")
        if self.n_in != n_in:
            raise ValueError(f"x of {n_in} columns expected, got {self.n_in}")
        if n_out and t is None:
            raise TypeError("y is missing")
        if n_out and self.data.y is not NULL:
            if t.view.itemsize != itemsize:
                raise TypeError("y is not of the network's dtype")
            t.expect_shape(self.data.n_rows, n_out)
        return 0


cdef _Array _numbers(numbers):
    """Borrow a copy of a sequence of floats."""
    return _borrow(array("d", numbers), "d", 1)


cdef class Regularisation:
    """The fields of `pynn.model.regularisation.Regularisation`, in the same order."""

    cdef pynn_regularisation regularisation
    cdef int n_layers
    cdef tuple held

    def __init__(self, l2, l1, bint by_row, dropout, double max_norm, double clip_norm, frozen):
        cdef int n_layers = len(l2)
        cdef _Array a = _numbers(l2), b = _numbers(l1)
        cdef _Array c = _numbers(dropout) if dropout else None
        cdef _Array d = _borrow(bytes(frozen), "B", 1) if frozen else None
        self.regularisation.penalty = pynn_penalty(
            l2=<const double *>a.vector(n_layers), l1=<const double *>b.vector(n_layers),
            by_row=by_row)
        if c is not None:
            self.regularisation.dropout = <const double *>c.vector(n_layers - 1)
        self.regularisation.max_norm = max_norm
        self.regularisation.clip_norm = clip_norm
        if d is not None:
            self.regularisation.frozen = <const unsigned char *>d.vector(n_layers)
        self.n_layers = n_layers
        self.held = (a, b, c, d)

    cdef int expect(self, int n_layers) except -1:
        if self.n_layers != n_layers:
            raise ValueError(f"a penalty of {n_layers} layers expected, got {self.n_layers}")
        return 0


cdef class Session:
    """Memory and threads that the calls of one fit share; freed at the end of a `with` block."""

    cdef pynn_session *session

    cdef pynn_session *started(self) except NULL:
        if self.session is NULL:
            self.session = pynn_session_new()
        if self.session is NULL:
            _raise_if(PYNN_NO_MEMORY, None)
        return self.session

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def __dealloc__(self):
        self.end()

    cdef void end(self) noexcept:
        pynn_session_free(self.session)
        self.session = NULL


cdef class Core:
    """The computation of a network, with fixed sizes, activations, cost and dtype.

    Parameters are passed into each call, as one contiguous vector of the dtype (n_parameters,).

    Parameters
    ----------
    sizes : sequence of int >= 1, units of the input and of every layer
    activations : sequence of names, one for each layer, the output's last
    activation_parameters : sequence of float, one for each layer; 0 where there is none
    bias : bool
    input_scale : bool
    residual : sequence of bool, one for each layer, or empty: none
    norms : sequence of None, "layer" or "batch", one for each layer, or empty: none
    cost : name
    cost_parameter : float
    dtype : "float32" or "float64"
    members : int, members that share weights; 0: a plain network
    embeddings : sequence of (kind, column, size, n, is_linear, edges) in the order of the columns:
        the fields of pynn_embedding in csrc/pynn.h, the kind by its name in EMBEDDING_KINDS, edges
        as a sequence of float, empty where there are none
    parametric : sequence of bool, one for each layer, or empty: none
    """

    cdef pynn_network network
    cdef int64_t *sizes
    cdef int *activations
    cdef double *activation_parameters
    cdef unsigned char *residual
    cdef unsigned char *norms
    cdef unsigned char *parametric
    cdef pynn_embedding *embeddings
    cdef list edges
    cdef readonly int64_t n_embedded  # length of an embedded row
    cdef readonly Py_ssize_t n_parameters
    cdef Py_ssize_t itemsize

    def __init__(
            self, sizes, activations, activation_parameters, bias, input_scale, residual, norms,
            cost, cost_parameter, dtype, int64_t members=0, embeddings=(), parametric=()):
        cdef int n = len(sizes) - 1
        cdef int n_embeddings = len(embeddings)
        cdef _Array edges_held
        self.free()
        self.sizes = <int64_t *>PyMem_Malloc((n + 1) * sizeof(int64_t))
        self.activations = <int *>PyMem_Malloc(n * sizeof(int))
        self.activation_parameters = <double *>PyMem_Malloc(n * sizeof(double))
        self.residual = <unsigned char *>PyMem_Malloc(n)
        self.norms = <unsigned char *>PyMem_Malloc(n)
        self.parametric = <unsigned char *>PyMem_Malloc(n)
        self.embeddings = <pynn_embedding *>PyMem_Malloc(n_embeddings * sizeof(pynn_embedding))
        if (self.sizes is NULL or self.activations is NULL or self.activation_parameters is NULL
                or self.residual is NULL or self.norms is NULL or self.parametric is NULL
                or self.embeddings is NULL):
            raise MemoryError
        self.n_embedded, self.edges = sizes[0], []
        for i, (kind, column, size, count, is_linear, edges) in enumerate(embeddings):
            self.embeddings[i] = pynn_embedding(
                kind=EMBEDDING_KINDS[kind], column=column, size=size, n=count, is_linear=is_linear,
                edges=NULL)
            if edges:
                edges_held = _numbers(edges)
                self.embeddings[i].edges = <const double *>edges_held.vector(count + 1)
                self.edges.append(edges_held)
            self.n_embedded += size - 1
        for i in range(n + 1):
            self.sizes[i] = sizes[i]
        for i in range(n):
            self.activations[i] = ACTIVATION_CODES[activations[i]]
            self.activation_parameters[i] = activation_parameters[i]
            self.residual[i] = bool(residual and residual[i])
            self.norms[i] = NORM_CODES[norms[i] if norms else None]
            self.parametric[i] = bool(parametric and parametric[i])
        self.itemsize = {"float32": 4, "float64": 8}[dtype]
        self.network = pynn_network(
            dtype=PYNN_F32 if self.itemsize == 4 else PYNN_F64, n_layers=n, sizes=self.sizes,
            activations=self.activations, activation_parameters=self.activation_parameters,
            bias=bias, input_scale=input_scale, residual=self.residual, norms=self.norms,
            cost=COST_CODES[cost], cost_parameter=cost_parameter, members=members,
            n_embeddings=n_embeddings, embeddings=self.embeddings, parametric=self.parametric)
        self.n_parameters = pynn_n_parameters(&self.network)

    def __dealloc__(self):
        self.free()

    cdef void free(self) noexcept:
        PyMem_Free(self.sizes)
        PyMem_Free(self.activations)
        PyMem_Free(self.activation_parameters)
        PyMem_Free(self.residual)
        PyMem_Free(self.norms)
        PyMem_Free(self.parametric)
        PyMem_Free(self.embeddings)

    @property
    def cost_parameter(self):
        """Parameter of the cost, as described in csrc/costs.h."""
        return self.network.cost_parameter

    cdef pynn_call call(self, _Array parameters, Data data, int n_threads,
                        _Interruption interruption):
        return pynn_call(network=&self.network, parameters=parameters.view.buf, data=&data.data,
                         n_threads=n_threads, control=&interruption.control, session=NULL,
                         members_apart=0)

    cdef int expect(self, Data data, int64_t n_out) except -1:
        data.expect(self.itemsize, self.sizes[0], n_out)
        cdef bint is_dense_only = (self.network.input_scale or self.network.members
                                   or self.network.n_embeddings)
        if is_dense_only and data.data.starts is not NULL:
            raise TypeError("x must be dense for an input scale, members or embeddings")
        return 0

    cdef _Array vector_of(self, array, bint writable):
        cdef _Array vector = _borrow(array, "f" if self.itemsize == 4 else "d", 1, writable)
        vector.vector(self.n_parameters)
        return vector

    def predict(self, out, parameters, Data data, int n_threads=1):
        """Fill out (n_rows, n_out), C-contiguous, with the activations of the output layer.

        With members it is filled with their mean; out of members * n_rows rows with the outputs of
        the first member, then of the next, and so on.
        """
        cdef int64_t n_out = self.sizes[self.network.n_layers], n_rows = data.data.n_rows
        cdef _Array p = self.vector_of(parameters, False)
        cdef _Array o = _borrow(out, "f" if self.itemsize == 4 else "d", 2, True)
        cdef _Interruption interruption = _Interruption()
        cdef pynn_call call = self.call(p, data, n_threads, interruption)
        cdef pynn_status status
        self.expect(data, 0)
        if self.network.members and o.view.shape[0] != n_rows:
            call.members_apart = 1
            n_rows *= self.network.members
        o.expect_shape(n_rows, n_out)
        if o.view.strides[1] != o.view.itemsize or o.view.strides[0] != n_out * o.view.itemsize:
            raise ValueError("C-contiguous out expected")
        with nogil:
            status = pynn_predict(o.view.buf, &call)
        _raise_if(status, interruption)

    def cost(self, parameters, Data data, Regularisation regularisation, gradient=None,
             int n_threads=1):
        """Return (mean cost, penalty) over all rows; fill gradient, a vector, unless it is None.

        regularisation : only its penalty is used
        """
        cdef _Array p = self.vector_of(parameters, False)
        cdef _Array g = None if gradient is None else self.vector_of(gradient, True)
        cdef void *gradient_start = NULL if g is None else g.view.buf
        cdef _Interruption interruption = _Interruption()
        cdef pynn_call call = self.call(p, data, n_threads, interruption)
        regularisation.expect(self.network.n_layers)
        cdef pynn_cost cost
        cdef pynn_status status
        self.expect(data, self.sizes[self.network.n_layers])
        with nogil:
            status = pynn_gradient(
                &cost, gradient_start, &call, regularisation.regularisation.penalty)
        _raise_if(status, interruption)
        return cost.cost, cost.penalty

    def trace(self, parameters, Data data, *, z=None, a=None, da=None, delta=None, normed=None,
              dz=None, dx=None, costs=None, embedded=None, int n_threads=1):
        """Fill the given arrays with the forward and backward pass of each row, for its own cost.

        Parameters
        ----------
        z, a, da, delta, normed, dz : contiguous vectors of the network's dtype: see pynn_trace in
            csrc/pynn.h; with all rows of the first layer, then of the next, and so on
        dx : contiguous vector of the network's dtype, (n_rows * n_in,): dC/dx
        costs : float64, shape (n_rows,), contiguous
        embedded : contiguous vector of the network's dtype, (n_rows * n_embedded,), for a network
            with embeddings: embedded rows
        """
        cdef int64_t n_rows = data.data.n_rows
        cdef int64_t n_units = 0
        cdef _Array p = self.vector_of(parameters, False)
        cdef _Interruption interruption = _Interruption()
        cdef pynn_call call = self.call(p, data, n_threads, interruption)
        cdef pynn_trace trace
        cdef pynn_status status
        self.expect(data, self.sizes[self.network.n_layers])
        if data.data.row_weights is not NULL:
            raise ValueError("a trace is of rows without weights")
        if self.network.members:
            raise ValueError("a trace is of a network without members")
        if embedded is not None and not self.network.n_embeddings:
            raise ValueError("the network has no embeddings")
        for i in range(self.network.n_layers):
            n_units += self.sizes[i + 1]
        formats = b"f" if self.itemsize == 4 else b"d"
        sizes = [n_rows * n_units] * 6
        sizes += [n_rows * self.sizes[0], n_rows, n_rows * self.n_embedded]
        cdef void *starts[9]
        cdef _Array lent
        held = []  # no comprehension: Cython 3.3 frees an item twice if the list cannot grow
        for i, given in enumerate((z, a, da, delta, normed, dz, dx, costs, embedded)):
            starts[i] = NULL
            if given is not None:
                lent = _borrow(given, b"d" if given is costs else formats, 1, True)
                starts[i] = lent.vector(sizes[i])
                held.append(lent)
        trace = pynn_trace(z=starts[0], a=starts[1], da=starts[2], delta=starts[3],
                           normed=starts[4], dz=starts[5], dx=starts[6],
                           costs=<double *>starts[7], embedded=starts[8])
        with nogil:
            status = pynn_trace_rows(&trace, &call)
        _raise_if(status, interruption)

    def train(self, *arguments, **options):
        """Train parameters and state in place; the arguments are those of `Training`.

        Returns
        -------
        n_done : int
            Epochs finished.
        error : exception or None
            Why training ended early: ValueError, FloatingPointError, MemoryError or an exception
            of a signal handler. Returned, so that the caller can keep the finished epochs.
        """
        return Training(self, *arguments, **options).run()

    @property
    def n_together(self):
        """How many networks of these sizes `train_together` trains at a time."""
        return pynn_lanes_for(&self.network)


cdef class Training:
    """A call of `Core.train` that is yet to run.

    Parameters
    ----------
    core : Core
    parameters : contiguous vector of the core's dtype, trained in place, as is the state
    costs : float64 (n_epochs, 2), C-contiguous; row i gets (mean cost, penalty) of epoch i
    order : int64 (n,), contiguous, all or some of the rows, in the order of an epoch; shuffled in
        place
    bit_generator : a NumPy bit generator that shuffles before each epoch; None: keep the order
    rates : float64 (n_epochs * updates of an epoch,), contiguous, learning rate of each
        update, which replaces the state's; or None
    rate_factors : float64 (2 * n_layers,), contiguous, factors of the learning rate for the
        weights of the first layer, its biases, the weights of the next layer ...; None: 1
    scale_rate_factor, embedding_rate_factor : factors of the learning rate for the input scale and
        for embeddings
    dropout_seed : selects the dropped units, together with the state's number of updates
    strengths : float64 (n_epochs * updates of an epoch * 3 * n_layers,), contiguous, for each
        update l2 and l1 of each layer, dropout of each hidden layer, below 1, and weight decay,
        which replace those of regularisation and state; or None. Those must not be 0 where
        one of these is not 0
    patience : `pynn.training.history.Patience`, which ends the call by cost / divisor +
        penalty; updated in place; or None
    average : vector of the network's dtype that becomes the exponential moving average of the
        parameters, updated after each update; or None
    decay : of the average, at least 0 and less than 1
    averaged_since : the state's number of updates when the average began
    session : Session of the fit, not used by another call at the same time; or None
    lock : held while it runs; or None
    """

    cdef pynn_training training
    cdef pynn_call call
    cdef pynn_plan plan
    cdef pynn_patience patience_now
    cdef pynn_average average_now
    cdef pynn_random random
    cdef _Interruption interruption
    cdef object patience, lock
    cdef bint has_run
    cdef tuple held

    def __init__(
            self, Core core, parameters, State state, costs, Data data, order, bit_generator, *,
            int64_t n_epochs, int64_t batch_size, Regularisation regularisation, rates=None,
            rate_factors=None, double scale_rate_factor=1, double embedding_rate_factor=1,
            uint64_t dropout_seed=0, strengths=None, int n_threads=1, patience=None,
            double divisor=1, average=None, double decay=0, int64_t averaged_since=0,
            Session session=None, lock=None):
        cdef _Array p = core.vector_of(parameters, True)
        cdef _Array c = _borrow(costs, "d", 2, True)
        cdef _Array o = _borrow(order, "lq", 1, True)
        cdef _Array r = None if rates is None else _borrow(rates, "d", 1)
        cdef _Array s = None if strengths is None else _borrow(strengths, "d", 1)
        cdef _Array f = None if rate_factors is None else _borrow(rate_factors, "d", 1)
        cdef _Array a = None if average is None else core.vector_of(average, True)
        cdef int64_t n_rows = o.view.shape[0]
        cdef int64_t n_updates = n_epochs * (1 + (n_rows - 1) // batch_size)
        cdef int n_layers = core.network.n_layers
        cdef bitgen_t *bitgen
        self.interruption = _Interruption()
        self.call = core.call(p, data, n_threads, self.interruption)
        if session is not None:
            self.call.session = session.started()
        core.expect(data, core.sizes[n_layers])
        if not 0 < n_rows <= data.data.n_rows:
            raise ValueError(f"order of 1 to {data.data.n_rows} rows expected, got {n_rows}")
        c.expect_shape(n_epochs, 2)
        self.plan.n_epochs = n_epochs
        self.plan.batch_size = batch_size
        self.plan.n_rows = n_rows
        self.plan.order = <int64_t *>o.vector(n_rows)
        if r is not None:
            self.plan.rates = <const double *>r.vector(n_updates)
        if s is not None:
            self.plan.strengths = <const double *>s.vector(n_updates * 3 * n_layers)
        if f is not None:
            self.plan.rate_factors = <const double *>f.vector(2 * n_layers)
        self.plan.scale_rate_factor = scale_rate_factor
        self.plan.embedding_rate_factor = embedding_rate_factor
        regularisation.expect(n_layers)
        self.plan.regularisation = regularisation.regularisation
        self.plan.regularisation.dropout_seed = dropout_seed
        if patience is not None:
            self.patience_now = pynn_patience(
                limit=patience.limit, tol=patience.tol, strict=patience.strict, divisor=divisor,
                best=patience.best, n_stalled=patience.n_stalled)
            self.plan.patience = &self.patience_now
        if a is not None:
            self.average_now = pynn_average(
                parameters=a.view.buf, decay=decay, since=averaged_since)
            self.plan.average = &self.average_now
        state.expect(core.n_parameters, core.itemsize)
        if bit_generator is not None:
            bitgen = <bitgen_t *>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
            self.random = pynn_random(
                state=bitgen.state, next_uint32=bitgen.next_uint32, next_uint64=bitgen.next_uint64)
            self.plan.shuffle = &self.random
        self.training = pynn_training(
            parameters=p.view.buf, state=&state.state, costs=<pynn_cost *>c.view.buf, n_done=0,
            call=&self.call, optimizer=&state.optimizer, plan=&self.plan, status=PYNN_OK)
        self.patience, self.lock = patience, lock
        self.held = (core, p, c, o, r, s, f, a, data, state, regularisation, bit_generator, session)

    def run(self):
        """Train; return as `Core.train` does."""
        cdef pynn_training *t = &self.training
        try:
            if self.lock is not None:
                self.lock.acquire()
        except BaseException as error:
            return 0, error
        with nogil:
            t.status = pynn_train(
                t.parameters, t.state, t.costs, &t.n_done, t.call, t.optimizer, t.plan)
        if self.lock is not None:
            self.lock.release()
        return self.result()

    cdef tuple result(self):
        if self.patience is not None:
            self.patience.best = self.patience_now.best
            self.patience.n_stalled = self.patience_now.n_stalled
        try:
            _raise_if(self.training.status, self.interruption)
        except BaseException as error:
            return self.training.n_done, error
        return self.training.n_done, None


def train_together(list trainings):
    """Run several trainings, small ones of one kind at once; return their results in a list.

    No two may share arrays that are written to, or a bit generator. Where another thread holds the
    lock of one, it comes last, when no lock is held: two threads never wait for each other.
    """
    cdef int n = 0
    cdef Training one
    cdef list ready = list(trainings), results = list(trainings)
    cdef pynn_training *all = <pynn_training *>PyMem_Malloc(len(ready) * sizeof(pynn_training))
    if all is NULL:
        raise MemoryError
    try:
        for one in trainings:
            one.has_run = one.lock is None or one.lock.acquire(False)
            if one.has_run:
                all[n] = one.training
                ready[n] = one
                n += 1
        with nogil:
            pynn_train_together(all, n)
        for i in range(n):
            one = ready[i]
            one.training = all[i]
    finally:
        PyMem_Free(all)
        for i in range(n):
            one = ready[i]
            if one.lock is not None:
                one.lock.release()
    for i in range(len(results)):
        one = trainings[i]
        results[i] = one.result() if one.has_run else one.run()
    return results


cdef extern from "Python.h":
    ctypedef enum PySendResult:
        PYGEN_RETURN
        PYGEN_ERROR
        PYGEN_NEXT
    PySendResult PyIter_Send(object, object, PyObject **) except PYGEN_ERROR


def answered(requests):
    """Run a generator, answering each `Training` that it yields with the result; return its value.

    Unlike in a loop written in Python, no signal handler can run between the generator's steps.
    """
    cdef PyObject *sent = NULL
    cdef PySendResult kind
    answer = None
    try:
        while True:
            kind = PyIter_Send(requests, answer, &sent)  # no exception for the value: 3 us less
            one = <object>sent
            Py_DECREF(one)
            if kind == PYGEN_RETURN:
                return one
            answer = (<Training?>one).run()
            one = None  # its rows are freed before the next block is read
    except RuntimeError as error:
        original = as_raised(error)
        if original is error:
            raise
    raise original  # here, where no other exception becomes its context


def as_raised(error):
    """Return an exception as a user's function raised it in a generator of pynn.training.

    Python lets no StopIteration out of a generator; a RuntimeError with that cause replaces it.
    """
    cause = error.__cause__
    if isinstance(error, RuntimeError) and isinstance(cause, StopIteration):
        frame = cause.__traceback__ and cause.__traceback__.tb_frame
        if frame and frame.f_globals.get("__name__", "").startswith("pynn.training."):
            return cause
    return error


cdef class State:
    """An update rule, its coefficients and its state between updates.

    Parameters
    ----------
    rule : name
    slots : list of as many contiguous vectors (n_parameters,) as the rule has slots, of the
        network's dtype; written to
    n_updates : int >= 0
    coefficients : learning_rate, momentum, beta_1, beta_2, epsilon, weight_decay, grow, shrink,
        smallest, largest
    """

    cdef pynn_optimizer_state state
    cdef pynn_optimizer optimizer
    cdef list held
    cdef readonly str rule
    cdef readonly list slots

    def __init__(self, str rule, list slots, int64_t n_updates=0, **coefficients):
        if len(slots) != RULES[rule]:
            raise ValueError(f"{rule} has {RULES[rule]} slots, got {len(slots)}")
        self.rule = rule
        self.slots = slots
        self.held = []  # no comprehension: see Core.trace
        for i, slot in enumerate(slots):
            self.held.append(_borrow(slot, "fd", 1, True))
            self.state.slots[i] = (<_Array>self.held[i]).view.buf
        self.state.n_updates = n_updates
        self.optimizer.rule = RULE_CODES[rule]
        self.set_coefficients(**coefficients)

    def set_coefficients(self, *, double learning_rate, double momentum=0, double beta_1=0,
                         double beta_2=0, double epsilon=0, double weight_decay=0, double grow=0,
                         double shrink=0, double smallest=0, double largest=0):
        """Replace all coefficients; omitted ones are 0."""
        self.optimizer.learning_rate = learning_rate
        self.optimizer.momentum = momentum
        self.optimizer.beta_1 = beta_1
        self.optimizer.beta_2 = beta_2
        self.optimizer.epsilon = epsilon
        self.optimizer.weight_decay = weight_decay
        self.optimizer.grow = grow
        self.optimizer.shrink = shrink
        self.optimizer.smallest = smallest
        self.optimizer.largest = largest

    @property
    def n_updates(self):
        """Number of updates so far."""
        return self.state.n_updates

    cdef int expect(self, Py_ssize_t n_parameters, Py_ssize_t itemsize) except -1:
        cdef _Array slot
        for slot in self.held:
            if slot.view.itemsize != itemsize:
                raise TypeError("a slot is not of the network's dtype")
            slot.vector(n_parameters)
        return 0


# ---- For tests ----------------------------------------------------------------------------------

def fail_allocation(int64_t n):
    """Make the n-th allocation of the core from now on fail; 0: none."""
    pynn_fail_allocation(n)


def blocks_in_use():
    """Return the number of memory blocks that the core holds."""
    return pynn_blocks_in_use()
