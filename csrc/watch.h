/* watch.h - asks now and then whether to stop, without a look at the clock for every small step.
 *
 * The question may wait for Python's lock, so a long call hears of Ctrl-C by a signal handler of
 * its own and seldom asks. */
#ifndef PYNN_WATCH_H
#define PYNN_WATCH_H

#include <stdint.h>

#include "pynn.h"

typedef struct {
    const pynn_control *control; /* or NULL: never ask */
    double work;                 /* multiply-adds since the last look at the clock */
    int64_t ask_at;              /* ns */
    int is_long;                 /* the call has come to its first look */
    int hears;                   /* Ctrl-C sets a flag or does nothing: no need to ask about it */
    int installed;               /* the handler that sets the flag, by this watch */
    int stopped;                 /* what was answered: once 1, it is not asked again */
} pynn_watch;

pynn_watch pynn_watch_start(const pynn_control *control);

/* Called before a piece of `work` multiply-adds. Returns 1 if the caller must stop. */
int pynn_watch_stop(pynn_watch *watch, double work);

/* Puts back the signal handler that was there. */
void pynn_watch_end(pynn_watch *watch);

#endif
