#include "watch.h"

#include "clock.h"

/* Without sigaction, only asking detects Ctrl-C. */
#if !defined(__wasm__) && !defined(_WIN32)
#define HAS_SIGACTION
#include <signal.h>
#include <stdatomic.h>
#endif

/* Ctrl-C takes effect within 0.1 s. A call that runs for LOOK_NS installs the handler, and ASK_NS
 * later asks about signals that came before. Short calls do neither. WORK_PER_LOOK takes about 20
 * us, reading the clock about 20 ns. */
enum {
    LOOK_NS = 20 * 1000 * 1000, /* until the handler is installed; between questions without it */
    ASK_NS = 40 * 1000 * 1000,  /* from then to the first question */
    SELDOM_NS = 1000 * 1000 * 1000 /* between questions about signals other than Ctrl-C */
};
static const double WORK_PER_LOOK = 5e5;

#if !defined(HAS_SIGACTION)

static int hear(pynn_watch *watch) {
    (void)watch;
    return 0;
}

static int was_heard(const pynn_watch *watch) {
    (void)watch;
    return 0;
}

void pynn_watch_end(pynn_watch *watch) { (void)watch; }

#else

/* All watches belong to the main thread. A second watch is nested in a question of the first and
 * shares its handler. A handler that replaced ours may chain to ours, so ours must not chain to it:
 * from then on, ours keeps the one that it already chains to, usually Python's. */
static atomic_int heard;
static struct sigaction chained;
static int is_in_place, was_replaced;

static int has_function(const struct sigaction *action) {
    return action->sa_flags & SA_SIGINFO ||
           (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

static void on_interrupt(int number, siginfo_t *info, void *context) {
    if (chained.sa_flags & SA_SIGINFO) {
        chained.sa_sigaction(number, info, context);
    } else {
        chained.sa_handler(number);
    }
    atomic_store(&heard, 1); /* last: the reader then asks Python, which must know by then */
}

static int is_ours(const struct sigaction *action) {
    return action->sa_flags & SA_SIGINFO && action->sa_sigaction == on_interrupt;
}

static int is_chained(const struct sigaction *action) {
    const int has_info = action->sa_flags & SA_SIGINFO;
    if (has_info != (chained.sa_flags & SA_SIGINFO)) { return 0; }
    return has_info ? action->sa_sigaction == chained.sa_sigaction
                    : action->sa_handler == chained.sa_handler;
}

/* Make Ctrl-C set the flag. Returns 0 if only asking can detect it. */
static int hear(pynn_watch *watch) {
    struct sigaction action;
    if (sigaction(SIGINT, NULL, &action)) { return 0; }
    if (is_ours(&action) || !has_function(&action)) { return 1; }
    if (action.sa_flags & (int)SA_RESETHAND) { return 0; } /* it must be called only once */
    if (!is_chained(&action)) {
        was_replaced |= is_in_place;
        if (was_replaced) { return 0; }
        chained = action;
    }
    action.sa_sigaction = on_interrupt;
    action.sa_flags |= SA_SIGINFO;
    is_in_place = watch->installed = !sigaction(SIGINT, &action, NULL);
    return watch->installed;
}

static int was_heard(const pynn_watch *watch) {
    return watch->hears && atomic_load(&heard) && atomic_exchange(&heard, 0);
}

void pynn_watch_end(pynn_watch *watch) {
    struct sigaction action;
    if (!watch->installed || sigaction(SIGINT, NULL, &action)) { return; }
    is_in_place = 0;
    if (!is_ours(&action)) {
        was_replaced |= !is_chained(&action);
        return;
    }
    if (chained.sa_flags & SA_SIGINFO) {
        action.sa_sigaction = chained.sa_sigaction;
    } else {
        action.sa_handler = chained.sa_handler;
        action.sa_flags &= ~SA_SIGINFO;
    }
    sigaction(SIGINT, &action, NULL);
}

#endif

pynn_watch pynn_watch_start(const pynn_control *control) {
    return (pynn_watch){.control = control && control->interrupted ? control : NULL,
                        .ask_at = pynn_now() + LOOK_NS};
}

int pynn_watch_stop(pynn_watch *watch, double work) {
    if (!watch->control || watch->stopped) { return watch->stopped; }
    watch->work += work;
    if (watch->work < WORK_PER_LOOK) { return 0; }
    watch->work = 0;
    if (watch->control->is_cheap) {
        return watch->stopped = watch->control->interrupted(watch->control->context);
    }
    if (!was_heard(watch)) {
        const int64_t t = pynn_now();
        if (t < watch->ask_at) { return 0; }
        if (!watch->is_long) {
            watch->is_long = 1;
            watch->hears = hear(watch);
            watch->ask_at = t + ASK_NS;
            if (watch->hears) { return 0; }
        }
    }
    watch->stopped = watch->control->interrupted(watch->control->context);
    watch->hears = hear(watch); /* again: the question may have installed another handler */
    watch->ask_at = pynn_now() + (watch->hears ? SELDOM_NS : LOOK_NS);
    return watch->stopped;
}
