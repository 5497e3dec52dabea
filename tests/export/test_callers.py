"""Exported libraries called by real programs: C, C++, Fortran, Rust, CMake, pkg-config, valgrind."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import pyfront as ad
from export import kernels

HERE = Path(__file__).parent
C_FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-pthread")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The library ``physics``, for any x86-64 (valgrind does not know the newest processors)."""
    folder = tmp_path_factory.mktemp("physics")
    cpu = "x86-64" if os.uname().machine == "x86_64" else "generic"
    ad.export(folder, "physics", kernels.FUNCTIONS, cpu=cpu)
    return folder


def tool(name):
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name}")
    return name


def run(*command, **options):
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **options.pop("env", {})}
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, env=environment, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def compiled(library, tmp_path, compiler, source, *flags, static):
    program = tmp_path / "program"
    linked = [library / "libphysics.a"] if static else [f"-L{library}", "-lphysics", f"-Wl,-rpath,{library}"]
    run(compiler, *flags, f"-I{library}", HERE / source, *linked, "-lm", "-o", program)
    return program


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("compiler", ["gcc", "clang-22"])
def test_c(library, tmp_path, compiler, static):
    run(compiled(library, tmp_path, tool(compiler), "caller.c", *C_FLAGS, static=static))


@pytest.mark.parametrize("standard", ["c++17", "c++20"])
@pytest.mark.parametrize("compiler", ["g++", "clang++-22"])
def test_cpp(library, tmp_path, compiler, standard):
    flags = (f"-std={standard}", "-Wall", "-Wextra", "-Werror")
    run(compiled(library, tmp_path, tool(compiler), "caller.cpp", *flags, static=standard == "c++17"))


def test_fortran(library, tmp_path):
    compiler = tool("gfortran")
    run(compiler, "-std=f2018", "-Wall", "-Werror", "-c", library / "physics.f90", "-o", "m.o", cwd=tmp_path)
    linked = (f"-L{library}", "-lphysics", f"-Wl,-rpath,{library}")
    run(compiler, "-std=f2018", HERE / "caller.f90", "m.o", *linked, "-o", "program", cwd=tmp_path)
    run(tmp_path / "program")


def test_rust(library, tmp_path):
    program = tmp_path / "program"
    run(tool("rustc"), "-L", library, "-C", f"link-arg=-Wl,-rpath,{library}", HERE / "caller.rs", "-o", program)
    run(program)


def test_valgrind(library, tmp_path):
    """No leak, no access out of bounds; the threads' arenas are unmapped."""
    program = compiled(library, tmp_path, tool("gcc"), "caller.c", *C_FLAGS, static=True)
    run(tool("valgrind"), "-q", "--leak-check=full", "--error-exitcode=3", program, "quick")


def test_pkg_config(library, tmp_path):
    flags = run(tool("pkg-config"), "--cflags", "--libs", "physics", env={"PKG_CONFIG_PATH": str(library)}).split()
    program = tmp_path / "program"
    run(tool("gcc"), *C_FLAGS, HERE / "caller.c", *flags, "-o", program)
    run(program, "quick", env={"LD_LIBRARY_PATH": str(library)})


@pytest.mark.parametrize("target", ["physics", "static"])
def test_cmake(library, tmp_path, target):
    tool("cmake")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(caller C)\nfind_package(physics REQUIRED)\n"
        f"find_package(Threads REQUIRED)\nadd_executable(program {HERE / 'caller.c'})\n"
        f"target_link_libraries(program PRIVATE physics::{target} Threads::Threads)\n"
    )
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-Dphysics_DIR={library}", env={"CC": tool("gcc")})
    run("cmake", "--build", tmp_path / "build")
    run(tmp_path / "build" / "program", "quick")


def test_two_libraries_in_one_program(library, tmp_path):
    """Their run times do not meet: each archive shows the names of its header only."""
    other = tmp_path / "other"
    kernels.shot_derivative.export(
        other, "other", kernels.SHOT, cpu="x86-64" if os.uname().machine == "x86_64" else "generic"
    )
    source = tmp_path / "both.c"
    source.write_text(
        '#include "physics.h"\n#include "other.h"\n#include <string.h>\n'
        "int main(void) {\n"
        "  double a[4] = {0, 0, 3, 6}, b[4] = {0, 0, 3, 6}, da[4] = {0}, db[4] = {0}, x, y, v, w;\n"
        "  int one = shot(a, da, 4, 8, 0.05, &x, 0.01, 50, 1, &v);\n"
        "  int two = other(b, db, 4, 8, 0.05, &y, 0.01, 50, 1, &w);\n"
        "  physics_release(); other_release();\n"
        "  return one || two || memcmp(da, db, sizeof da) || x != y || v != w;\n}\n"
    )
    archives = [library / "libphysics.a", other / "libother.a"]
    for linked in (archives, archives[::-1]):
        program = tmp_path / "both"
        run(tool("gcc"), *C_FLAGS, f"-I{library}", f"-I{other}", source, *linked, "-lm", "-o", program)
        run(program)


def test_aarch64(tmp_path):
    """Compiled for another processor; run where an emulator and a compiler are."""
    files = ad.export(
        tmp_path, "physics", kernels.FUNCTIONS, cpu="cortex-a72", triple="aarch64-linux-gnu", shared=False
    )
    code = (tmp_path / "libphysics.a").read_bytes()
    elf = code[code.index(b"\x7fELF") :]
    assert int.from_bytes(elf[18:20], "little") == 183
    assert tmp_path / "libphysics.so" not in files
    compiler, emulator = tool("aarch64-linux-gnu-gcc"), tool("qemu-aarch64")
    program = tmp_path / "program"
    run(
        compiler,
        "-static",
        *C_FLAGS,
        f"-I{tmp_path}",
        HERE / "caller.c",
        tmp_path / "libphysics.a",
        "-lm",
        "-o",
        program,
    )
    run(emulator, program, "quick")
