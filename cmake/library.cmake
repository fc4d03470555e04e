# keelson_protos(target dir): the generated code of the .proto files in dir.
function(keelson_protos target dir)
  file(GLOB protos CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${dir}/*.proto)
  set(sources)
  foreach(proto ${protos})
    cmake_path(GET proto STEM name)
    set(out ${PROJECT_BINARY_DIR}/gen/${dir}/${name}.pb)
    # Touched only when it changes: nearly everything is compiled again then, but a comment changes
    # nothing.
    set(fresh ${PROJECT_BINARY_DIR}/gen-fresh/${dir}/${name}.pb)
    add_custom_command(
      OUTPUT ${out}.cc ${out}.h
      COMMAND protobuf::protoc -I${PROJECT_SOURCE_DIR} --cpp_out=${PROJECT_BINARY_DIR}/gen-fresh ${proto}
      COMMAND ${CMAKE_COMMAND} -E copy_if_different ${fresh}.cc ${out}.cc
      COMMAND ${CMAKE_COMMAND} -E copy_if_different ${fresh}.h ${out}.h
      DEPENDS ${protos}
      VERBATIM)
    list(APPEND sources ${out}.cc ${out}.h)
  endforeach()
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/gen/${dir} ${PROJECT_BINARY_DIR}/gen-fresh)
  add_library(${target} STATIC ${sources})
  set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)  # their private names clash
  target_include_directories(${target} SYSTEM PUBLIC ${PROJECT_BINARY_DIR}/gen)
  target_link_libraries(${target} PUBLIC protobuf::libprotobuf Threads::Threads)
endfunction()

# keelson_descriptor_set(file dir): the .proto files in dir as one FileDescriptorSet that has kept their
# comments, which generated code drops.
function(keelson_descriptor_set file dir)
  file(GLOB protos CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${dir}/*.proto)
  add_custom_command(
    OUTPUT ${file}
    COMMAND protobuf::protoc -I${PROJECT_SOURCE_DIR} --include_source_info
            --descriptor_set_out=${file} ${protos}
    DEPENDS ${protos}
    VERBATIM)
endfunction()

# The one precompiled header: the API's message types, which nearly every file needs and which cost
# two seconds to parse.
function(keelson_precompile target)
  if(NOT TARGET keelson_pch)
    file(WRITE ${PROJECT_BINARY_DIR}/pch.cpp "")
    add_library(keelson_pch STATIC ${PROJECT_BINARY_DIR}/pch.cpp)
    set_target_properties(keelson_pch PROPERTIES UNITY_BUILD OFF)
    target_link_libraries(keelson_pch PRIVATE keelson_flags keelson_proto)
    target_precompile_headers(keelson_pch PRIVATE
      <algorithm> <functional> <map> <memory> <optional> <string> <string_view> <vector>
      ${PROJECT_SOURCE_DIR}/core/api/types.hpp)
  endif()
  target_precompile_headers(${target} REUSE_FROM keelson_pch)
endfunction()

# keelson_unity(target sources...): where CMAKE_UNITY_BUILD is on, compiles the sources of one folder
# together, eight at a time: most of a file's cost is what it includes. So what stands in the unnamed
# namespaces of one folder needs different names. By folder, as a new file then leaves the other
# folders' units as they are.
function(keelson_unity target)
  list(SORT ARGN)
  set(folder "")
  foreach(source ${ARGN})
    cmake_path(GET source PARENT_PATH parent)
    if(NOT parent STREQUAL folder)
      set(folder ${parent})
      set(count 0)
    endif()
    cmake_path(RELATIVE_PATH parent BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
    string(REPLACE "/" "_" group ${parent})
    math(EXPR batch "${count} / 8")
    math(EXPR count "${count} + 1")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group}_${batch})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
endfunction()

# keelson_library(target dir dependencies... [EXCEPT folder...] [APART folder...]): all .cpp files below dir,
# without those folders of it that are libraries of their own. The files of folders that are APART are
# compiled one by one: each is a little world of its own, with names that others have as well.
function(keelson_library target dir)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "EXCEPT;APART")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${dir}/*.cpp)
  foreach(folder ${arg_EXCEPT})
    list(FILTER sources EXCLUDE REGEX "/${dir}/${folder}/")
  endforeach()
  if(NOT sources)
    file(WRITE ${PROJECT_BINARY_DIR}/empty.cpp "")
    set(sources ${PROJECT_BINARY_DIR}/empty.cpp)
  endif()
  add_library(${target} STATIC ${sources})
  set(together ${sources})
  foreach(folder ${arg_APART})
    list(FILTER together EXCLUDE REGEX "/${dir}/${folder}/")
  endforeach()
  keelson_unity(${target} ${together})
  target_link_libraries(${target} PUBLIC keelson_flags ${arg_UNPARSED_ARGUMENTS})
  if(NOT target STREQUAL keelson_base)
    keelson_precompile(${target})
  endif()
endfunction()

# keelson_test(name dir dependencies... [ALONE filter] [TOGETHER filter]): one GoogleTest program of all .cpp files
# in dir, each test a process of its own. Of the tests that match ALONE one runs at a time, and they begin
# first: each takes most of a machine and long. Those that match TOGETHER share one process, as what they set
# up takes far longer than they do.
function(keelson_test name dir)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "ALONE;TOGETHER" "")
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${dir}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  keelson_unity(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${arg_UNPARSED_ARGUMENTS} keelson_flags GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE
    KEELSON_SOURCE_DIR="${PROJECT_SOURCE_DIR}" KEELSON_BINARY_DIR="${PROJECT_BINARY_DIR}")
  if(NOT "${arg_UNPARSED_ARGUMENTS}" STREQUAL "keelson_base")
    keelson_precompile(${name})
    target_link_libraries(${name} PRIVATE keelson_proto)
  endif()
  if(NOT arg_ALONE)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES LABELS ${dir})
    return()
  endif()
  # The others of such a program are long too. Begun last, one of them would leave a core idle to the end.
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_FILTER "-${arg_ALONE}:${arg_TOGETHER}"
    PROPERTIES LABELS ${dir} COST 500)
  if(arg_TOGETHER)
    add_test(NAME ${name}.together COMMAND ${name} "--gtest_filter=${arg_TOGETHER}")
    set_tests_properties(${name}.together PROPERTIES LABELS ${dir} COST 500)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_FILTER "${arg_ALONE}"
    PROPERTIES LABELS ${dir} RESOURCE_LOCK hosts COST 1000)
endfunction()
