"""Export: derivatives as libraries for programs in other languages, `export`.

    functions  what is exported: per derivative its C function and that of the kernel
    modules    their LLVM IR, linked with all that it calls, nothing undefined but libc, libm, BLAS and LAPACK
    objects    machine code for a processor, an archive, a shared library
    headers, cplusplus, fortran, packages    the texts beside the library

Invariant: nothing is written before everything is made; what cannot be exported is refused by name.
"""

from pyfront.standalone.exporting import export, write_one

__all__ = ["export", "write_one"]
