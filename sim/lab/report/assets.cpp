// report.css and report.js as read-only data; the assembler puts the files in, as it does for
// runtime/redis/library.cpp.
#include "sim/lab/report/parts.hpp"

asm(".section .rodata\n"
    ".global keelson_report_style_begin\n"
    ".global keelson_report_style_end\n"
    ".global keelson_report_script_begin\n"
    ".global keelson_report_script_end\n"
    "keelson_report_style_begin:\n"
    ".incbin \"" KEELSON_REPORT_FOLDER
    "/report.css\"\n"
    "keelson_report_style_end:\n"
    "keelson_report_script_begin:\n"
    ".incbin \"" KEELSON_REPORT_FOLDER
    "/report.js\"\n"
    "keelson_report_script_end:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" {
extern const char keelson_report_style_begin[];
extern const char keelson_report_style_end[];
extern const char keelson_report_script_begin[];
extern const char keelson_report_script_end[];
}

namespace keelson::lab {

std::string_view style_sheet() {
  return {keelson_report_style_begin,
          static_cast<std::size_t>(keelson_report_style_end - keelson_report_style_begin)};
}

std::string_view script() {
  return {keelson_report_script_begin,
          static_cast<std::size_t>(keelson_report_script_end - keelson_report_script_begin)};
}

}  // namespace keelson::lab
