# Says what a component requires: its file is read up to idf_component_register, which returns from it.
macro(idf_component_register)
    cmake_parse_arguments(_ "" "" "SRCS;INCLUDE_DIRS;REQUIRES;PRIV_REQUIRES" ${ARGN})
    execute_process(COMMAND ${CMAKE_COMMAND} -E echo "${__REQUIRES};${__PRIV_REQUIRES}")
    return()
endmacro()

include(${FOLDER}/CMakeLists.txt)
