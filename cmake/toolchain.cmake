# Compilers, caches and flags. Everything links keelson_flags.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

add_library(keelson_flags INTERFACE)
target_include_directories(keelson_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(keelson_flags INTERFACE
  -Wall -Wextra -Wno-missing-field-initializers
  # The same bits on every machine: no contraction to fused operations.
  -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # Lets ccache cache translation units that use the precompiled header.
  target_compile_options(keelson_flags INTERFACE -fpch-preprocess)
  # A unity build includes .cpp files, whose private types it takes for those of a header.
  if(CMAKE_UNITY_BUILD)
    target_compile_options(keelson_flags INTERFACE -Wno-subobject-linkage)
  endif()
endif()
if(KEELSON_SEEDED_BUGS)
  target_compile_definitions(keelson_flags INTERFACE KEELSON_SEEDED_BUGS=1)
endif()

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(KEELSON_SANITIZE "" CACHE STRING "address,undefined or thread")
if(KEELSON_SANITIZE)
  add_compile_options(-fsanitize=${KEELSON_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${KEELSON_SANITIZE})
endif()

# Everything is instrumented, the precompiled header too: clang refuses one that was built otherwise.
if(KEELSON_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# mimalloc for executables only: a simulated cluster is millions of small objects. Sanitizers bring
# their own.
find_package(mimalloc QUIET)
function(keelson_allocator target)
  if(mimalloc_FOUND AND NOT KEELSON_SANITIZE AND NOT KEELSON_FUZZ)
    target_link_libraries(${target} PRIVATE mimalloc)
  endif()
endfunction()
