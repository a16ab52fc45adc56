// What the Verilated runtime and model are compiled with (g++ -include hooks.hpp): messages of the
// design go into a buffer, and $stop, $fatal and a missing memory file become C++ exceptions, so
// that a simulation inside a Python process can neither print into its output nor end it. Nor can
// the writer of waves, which calls std::abort where a disk takes no more (fstcpp_assertion.h).
#pragma once
#include <cstdarg>
#ifdef HWB_TRACE
#include <cstdlib>
namespace std {
[[noreturn]] void hwb_abort();
}
#define abort hwb_abort
#endif

int hwb_printf(const char* format, ...) __attribute__((format(printf, 1, 2)));
int hwb_vprintf(const char* format, va_list arguments);

#define VL_PRINTF hwb_printf
#define VL_VPRINTF hwb_vprintf
#define VL_USER_FINISH 1
#define VL_USER_STOP 1
#define VL_USER_FATAL 1
#define VL_USER_WARN 1
