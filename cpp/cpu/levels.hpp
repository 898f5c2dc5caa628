// Which x86-64 levels (psABI v2, v3, v4) this CPU and this operating system support.
// Asked of the CPU itself: /proc/cpuinfo is missing in some containers and is the host's under
// emulation, and compilers disagree on the names that __builtin_cpu_supports takes.
#pragma once

#if defined(__x86_64__)
#include <cpuid.h>

namespace cycloid {

struct CpuidRegisters {
    unsigned a = 0, b = 0, c = 0, d = 0;
};

inline CpuidRegisters cpuid(unsigned leaf) {
    CpuidRegisters r;
    __get_cpuid_count(leaf, 0, &r.a, &r.b, &r.c, &r.d);  // all zero where the leaf does not exist
    return r;
}

inline bool has_all(unsigned value, unsigned bits) { return (value & bits) == bits; }

// Register state that the operating system saves: XCR0, valid only where CPUID says OSXSAVE.
inline unsigned saved_state() {
    constexpr unsigned osxsave = 1U << 27;
    if (!has_all(cpuid(1).c, osxsave)) return 0;
    unsigned low = 0;
    unsigned high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

inline bool supports_v2() {
    constexpr unsigned lahf_lm = 1U << 0;
    constexpr unsigned leaf1 =
        bit_SSE3 | bit_SSSE3 | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT;
    return has_all(cpuid(1).c, leaf1) && has_all(cpuid(0x80000001).c, lahf_lm);
}

inline bool supports_v3() {
    constexpr unsigned leaf1 = bit_FMA | bit_MOVBE | bit_AVX | bit_F16C;
    constexpr unsigned leaf7 = bit_BMI | bit_AVX2 | bit_BMI2;
    constexpr unsigned lzcnt = 1U << 5;
    constexpr unsigned xmm_ymm = 0x06;
    return supports_v2() && has_all(cpuid(1).c, leaf1) && has_all(cpuid(7).b, leaf7) &&
           has_all(cpuid(0x80000001).c, lzcnt) && has_all(saved_state(), xmm_ymm);
}

inline bool supports_v4() {
    constexpr unsigned leaf7 =
        bit_AVX512F | bit_AVX512DQ | bit_AVX512CD | bit_AVX512BW | bit_AVX512VL;
    constexpr unsigned xmm_ymm_opmask_zmm = 0xe6;
    return supports_v3() && has_all(cpuid(7).b, leaf7) &&
           has_all(saved_state(), xmm_ymm_opmask_zmm);
}

}  // namespace cycloid
#endif
