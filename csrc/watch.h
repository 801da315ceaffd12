/* watch.h - asks now and then whether to stop, without a look at the clock for every small step. */
#ifndef PYNN_WATCH_H
#define PYNN_WATCH_H

#include <stdint.h>

#include "pynn.h"

typedef struct {
    const pynn_control *control; /* or NULL: never ask */
    double work;                 /* multiply-adds since the last look at the clock */
    int64_t asked_at;            /* ns */
    int stopped;                 /* what was answered: once 1, it is not asked again */
} pynn_watch;

pynn_watch pynn_watch_start(const pynn_control *control);

/* Called before a piece of `work` multiply-adds. Returns 1 if the caller must stop. */
int pynn_watch_stop(pynn_watch *watch, double work);

#endif
