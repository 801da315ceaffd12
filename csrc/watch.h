/* watch.h - asks from time to time whether to stop, without reading the clock at every small step.
 *
 * Asking may wait for Python's lock, so a long call detects Ctrl-C by its own signal handler and
 * asks rarely.
 */
#ifndef PYNN_WATCH_H
#define PYNN_WATCH_H

#include <stdint.h>

#include "pynn.h"

typedef struct {
    const pynn_control *control; /* or NULL: never ask */
    double work;                 /* multiply-adds since the clock was last read */
    int64_t ask_at;              /* time in ns */
    int is_long;                 /* the call has run for LOOK_NS */
    int hears;                   /* Ctrl-C sets a flag or does nothing: no need to ask about it */
    int installed;               /* this watch installed the handler that sets the flag */
    int stopped;                 /* the last answer; once it is 1, nothing more is asked */
} pynn_watch;

pynn_watch pynn_watch_start(const pynn_control *control);

/* Call this before a piece of `work` multiply-adds. Returns 1 if the caller must stop. */
int pynn_watch_stop(pynn_watch *watch, double work);

/* Restore the previous signal handler. */
void pynn_watch_end(pynn_watch *watch);

#endif
