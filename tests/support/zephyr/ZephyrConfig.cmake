# The few functions of Zephyr's build that a module and an application call, for the host's compiler.
project(Zephyr LANGUAGES C)

file(READ ${CMAKE_CURRENT_SOURCE_DIR}/prj.conf configuration)
string(REGEX MATCHALL "CONFIG_[A-Z0-9_]+=y" options "${configuration}")
foreach(option ${options})
    string(REPLACE "=y" "" option ${option})
    set(${option} y)
endforeach()

add_executable(app)
target_include_directories(app PRIVATE ${CMAKE_CURRENT_LIST_DIR}/include)

macro(zephyr_library_named name)
    set(zephyr_library ${name})
    add_library(${name} STATIC)
    target_link_libraries(app PRIVATE ${name})
endmacro()

macro(zephyr_library_sources)
    target_sources(${zephyr_library} PRIVATE ${ARGN})
endmacro()

macro(zephyr_include_directories)
    target_include_directories(${zephyr_library} PUBLIC ${ARGN})
endmacro()

macro(zephyr_compile_definitions_ifdef option)
    if(${option})
        target_compile_definitions(${zephyr_library} PUBLIC ${ARGN})
    endif()
endmacro()

foreach(module ${EXTRA_ZEPHYR_MODULES})
    add_subdirectory(${module}/zephyr ${CMAKE_CURRENT_BINARY_DIR}/module)
endforeach()
