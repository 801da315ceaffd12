/* clock.h - monotonic time in nanoseconds. */
#ifndef PYNN_CLOCK_H
#define PYNN_CLOCK_H

#include <stdint.h>

#if defined(_WIN32)
#include <windows.h>

static inline int64_t pynn_now(void) {
    LARGE_INTEGER ticks, per_second;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&per_second);
    const int64_t seconds = ticks.QuadPart / per_second.QuadPart;
    const int64_t rest = ticks.QuadPart % per_second.QuadPart; /* the whole would overflow */
    return seconds * 1000000000 + rest * 1000000000 / per_second.QuadPart;
}

#else
#include <time.h>

static inline int64_t pynn_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#endif
#endif
