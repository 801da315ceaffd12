#include "watch.h"

#include "clock.h"

/* A Ctrl-C is to be heard within 0.1 s. Asking may wait for Python's lock, so it is not asked more
 * often than needed; WORK_PER_LOOK takes some 20 us, a look at the clock some 20 ns. */
enum { NS_BETWEEN_QUESTIONS = 20 * 1000 * 1000 };
static const double WORK_PER_LOOK = 5e5;

pynn_watch pynn_watch_start(const pynn_control *control) {
    return (pynn_watch){.control = control && control->interrupted ? control : NULL,
                        .asked_at = pynn_now()};
}

int pynn_watch_stop(pynn_watch *watch, double work) {
    if (!watch->control || watch->stopped) { return watch->stopped; }
    watch->work += work;
    if (watch->work < WORK_PER_LOOK) { return 0; }
    watch->work = 0;
    const int64_t t = pynn_now();
    if (t - watch->asked_at < NS_BETWEEN_QUESTIONS) { return 0; }
    watch->stopped = watch->control->interrupted(watch->control->context);
    watch->asked_at = pynn_now(); /* not t: the answer may have had to wait */
    return watch->stopped;
}
