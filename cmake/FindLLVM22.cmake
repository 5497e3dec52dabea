# LLVM 22, static, IR-level components only, as the target LLVM22::Static.
#
# llvm-config is asked instead of LLVM's own CMake package: the latter refuses to load unless the
# development files of everything that any part of LLVM was built with (libedit, curl, ffi, ...) are there,
# and none of that is needed by the components that we link.

find_program(LLVM22_CONFIG NAMES llvm-config-22 HINTS /usr/lib/llvm-22/bin)
if(NOT LLVM22_CONFIG)
  message(FATAL_ERROR "llvm-config-22 was not found: install llvm-22-dev (`make setup` does) or set LLVM22_CONFIG")
endif()

function(llvm22_config OUT)
  execute_process(COMMAND "${LLVM22_CONFIG}" ${ARGN}
    OUTPUT_VARIABLE TEXT OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(${OUT} "${TEXT}" PARENT_SCOPE)
endfunction()

llvm22_config(LLVM22_VERSION --version)
if(NOT LLVM22_VERSION MATCHES "^22\\.")
  message(FATAL_ERROR "${LLVM22_CONFIG} is LLVM ${LLVM22_VERSION}; numba's LLVM and so ours is 22")
endif()
llvm22_config(LLVM22_INCLUDE_DIR --includedir)
llvm22_config(LLVM22_TOOLS_DIR --bindir)
llvm22_config(LLVM22_ARCHIVES --link-static --libfiles
  analysis asmparser bitreader bitwriter core instcombine ipo irreader linker passes scalaropts
  support targetparser transformutils vectorize)
separate_arguments(LLVM22_ARCHIVES UNIX_COMMAND "${LLVM22_ARCHIVES}")

# Static archives of what LLVMSupport compresses with, where there are any.
find_library(PYFRONT_ZSTD NAMES libzstd.a zstd REQUIRED)
find_library(PYFRONT_ZLIB NAMES libz.a z REQUIRED)
find_package(Threads REQUIRED)

add_library(LLVM22::Static INTERFACE IMPORTED)
target_link_libraries(LLVM22::Static INTERFACE
  ${LLVM22_ARCHIVES} "${PYFRONT_ZSTD}" "${PYFRONT_ZLIB}" Threads::Threads ${CMAKE_DL_LIBS} m)
message(STATUS "LLVM ${LLVM22_VERSION}: ${LLVM22_INCLUDE_DIR}")
