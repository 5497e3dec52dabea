"""What build systems ask for: a pkg-config file and a CMake package, which find the library in their own folder."""

from __future__ import annotations

import pyfront


def pkg_config(name: str, needs_blas: bool) -> str:
    """The file ``name.pc``."""
    blas = "blas=-llapack -lblas\n" if needs_blas else ""
    linked = " ${blas}" if needs_blas else ""
    return f"""\
prefix=${{pcfiledir}}
libdir=${{prefix}}
includedir=${{prefix}}
{blas}
Name: {name}
Description: Derivatives compiled by pyfront
Version: {pyfront.__version__}
Cflags: -I${{includedir}}
Libs: -L${{libdir}} -l{name}{linked} -lm
"""


def cmake(name: str, needs_blas: bool, shared: bool) -> str:
    """The file ``name-config.cmake``: targets ``name::name`` and ``name::static``."""
    find = "include(CMakeFindDependencyMacro)\nfind_dependency(LAPACK)\n" if needs_blas else ""
    libraries = "LAPACK::LAPACK;m" if needs_blas else "m"
    targets = [_target(name, "static", "STATIC", f"lib{name}.a", libraries)]
    if shared:
        targets.append(_target(name, name, "SHARED", f"lib{name}.so", libraries))
    else:
        targets.append(f"if(NOT TARGET {name}::{name})\n  add_library({name}::{name} ALIAS {name}::static)\nendif()\n")
    return f"# Derivatives compiled by pyfront.\n{find}" + "".join(targets)


def _target(name: str, target: str, kind: str, file: str, libraries: str) -> str:
    return f"""\
if(NOT TARGET {name}::{target})
  add_library({name}::{target} {kind} IMPORTED)
  set_target_properties({name}::{target} PROPERTIES
    IMPORTED_LOCATION "${{CMAKE_CURRENT_LIST_DIR}}/{file}"
    INTERFACE_INCLUDE_DIRECTORIES "${{CMAKE_CURRENT_LIST_DIR}}"
    INTERFACE_LINK_LIBRARIES "{libraries}")
endif()
"""
