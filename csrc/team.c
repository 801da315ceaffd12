/* team.c - teams of threads. No other file uses threads directly. */
#include "team.h"

#include <stdatomic.h>
#include <stdint.h>

#include "clock.h"
#include "memory.h"
#include "pynn.h"
#include "system_threads.h"

static atomic_int thread_limit, processors;

/* Threads at work in all teams of this process, and the number of forks that led to it. */
static atomic_int n_working, forks;

int pynn_team_most(int n_threads) {
    return n_threads < 1 ? 1 : n_threads > PYNN_MOST_THREADS ? PYNN_MOST_THREADS : n_threads;
}

int pynn_team_size(int n_threads) {
    n_threads = pynn_team_most(n_threads);
    const int others = atomic_load(&n_working);
    if (others <= 0 || n_threads == 1) { return n_threads; }
    const int usable = atomic_load(&processors);
    const int left = (usable ? usable : pynn_n_processors()) - others;
    return left < 1 ? 1 : n_threads < left ? n_threads : left;
}

static pynn_mutex exclusive = PYNN_MUTEX;
static pynn_once once = PYNN_ONCE;

static void lock(void) { pynn_mutex_lock(&exclusive); }

static void unlock(void) { pynn_mutex_unlock(&exclusive); }

static void begin_alone(void) {
    unlock();
    atomic_store(&n_working, 0);
    atomic_fetch_add(&forks, 1);
}

/* If a process forks while other threads work, the child inherits a lock that nobody releases and
 * teams whose threads do not exist. */
static void survive_forks(void) { pynn_at_fork(lock, unlock, begin_alone); }

void pynn_set_thread_limit(int n) { atomic_store(&thread_limit, n > 0 ? n : 0); }

void pynn_set_processors(int n) { atomic_store(&processors, n > 0 ? n : 0); }

int pynn_get_thread_limit(void) { return atomic_load(&thread_limit); }

/* How long a member spins at a barrier before it sleeps. A member that keeps its processor arrives
 * well before that; one that lost it is away for milliseconds. */
enum { SPIN_NS = 200 * 1000 };

/* How often a team is checked for crowding. It is crowded if its members slept at barriers for more
 * than 1 / CROWD_PART of this time, multiplied by the number of members minus one. Unevenly divided
 * work stays well below. */
enum { CROWD_NS = 20 * 1000 * 1000, CROWD_PART = 4 };

typedef struct {
    pynn_team *team;
    pynn_thread thread;
    int id;
    unsigned runs; /* runs begun before it was started */
} recruit;

struct pynn_team {
    int n; /* members of the current run */
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_uint round; /* barriers passed */
    _Alignas(64) atomic_int asked;  /* whether the team was asked to stop */
    int stops;                      /* result of the barrier: `asked` as its last member saw it */
    atomic_int_fast64_t slept;      /* ns at barriers, summed over members */
    int64_t asked_at, slept_then;   /* time of the last check for crowding, and `slept` then */
    pynn_mutex lock;                /* for sleeping members and the description of a run */
    pynn_condition changed;
    void (*work)(pynn_member, void *);
    void *context;
    _Alignas(64) atomic_uint runs; /* runs begun */
    atomic_uint n_done;            /* members other than the caller that finished the current run */
    int ends;                      /* there is no next run */
    int n_forks;                   /* value of `forks` when its threads were started */
    int n_recruits;                /* threads that exist, including the caller */
    recruit recruits[PYNN_MOST_THREADS];
};

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Wait until the count changes. Returns how long this took if the thread slept, 0 if it only
 * spun. */
static int64_t wait_while(pynn_team *team, const atomic_uint *count, unsigned old) {
    const int64_t begun = pynn_now();
    do {
        for (int i = 0; i < 64; i++) {
            if (atomic_load_explicit(count, memory_order_acquire) != old) { return 0; }
            relax();
        }
    } while (pynn_now() < begun + SPIN_NS);
    pynn_mutex_lock(&team->lock);
    while (atomic_load_explicit(count, memory_order_acquire) == old) {
        pynn_condition_wait(&team->changed, &team->lock);
    }
    pynn_mutex_unlock(&team->lock);
    return pynn_now() - begun;
}

/* Increment the count and wake the threads that wait for it. */
static void advance(pynn_team *team, atomic_uint *count) {
    pynn_mutex_lock(&team->lock);
    atomic_fetch_add_explicit(count, 1, memory_order_release);
    pynn_condition_broadcast(&team->changed);
    pynn_mutex_unlock(&team->lock);
}

/* Whether this is a child that a signal handler forked during the run: the other members exist only
 * in the parent. */
static int is_lost(const pynn_team *team) {
    return team->n > 1 && team->n_forks != atomic_load_explicit(&forks, memory_order_relaxed);
}

int pynn_team_meet(pynn_member member) {
    pynn_team *team = member.team;
    if (is_lost(team)) { return 1; }
    if (member.n == 1) { return atomic_load_explicit(&team->asked, memory_order_relaxed); }
    const unsigned round = atomic_load_explicit(&team->round, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) + 1 < member.n) {
        const int64_t slept = wait_while(team, &team->round, round);
        if (slept) { atomic_fetch_add_explicit(&team->slept, slept, memory_order_relaxed); }
        return team->stops;
    }
    atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
    /* Read once for all members: a request after the barrier is reported at the next one. */
    const int stops = team->stops = atomic_load_explicit(&team->asked, memory_order_relaxed);
    advance(team, &team->round);
    return stops;
}

void pynn_team_stop(pynn_member member) {
    atomic_store_explicit(&member.team->asked, 1, memory_order_relaxed);
}

int pynn_team_asked(pynn_member member) {
    return is_lost(member.team) || atomic_load_explicit(&member.team->asked, memory_order_relaxed);
}

int pynn_team_crowded(pynn_member member) {
    pynn_team *team = member.team;
    const int64_t slept = atomic_load_explicit(&team->slept, memory_order_relaxed);
    if (slept == team->slept_then) { return 0; }
    const int64_t t = pynn_now(), elapsed = t - team->asked_at;
    if (elapsed < CROWD_NS) { return 0; }
    const int crowded = slept - team->slept_then > elapsed * (member.n - 1) / CROWD_PART;
    team->asked_at = t;
    team->slept_then = slept;
    return crowded;
}

/* Main function of a thread: take part in each run that needs this member. */
static PYNN_THREAD_MAIN serve(void *recruit_) {
    const recruit *r = recruit_;
    pynn_team *team = r->team;
    for (unsigned runs = r->runs;;) {
        wait_while(team, &team->runs, runs);
        pynn_mutex_lock(&team->lock); /* a run without this member may be over */
        runs = atomic_load_explicit(&team->runs, memory_order_relaxed);
        const int n = team->n, ends = team->ends;
        pynn_mutex_unlock(&team->lock);
        if (ends) { return 0; }
        if (r->id >= n) { continue; }
        team->work((pynn_member){team, r->id, n}, team->context);
        advance(team, &team->n_done);
    }
}

/* Start threads until there are n_threads, or fewer if no more can be started. They block all
 * signals except those for their own faults. */
static void recruit_up_to(pynn_team *team, int n_threads) {
    const pynn_signals before = pynn_block_signals();
    for (; team->n_recruits < n_threads; team->n_recruits++) {
        recruit *next = &team->recruits[team->n_recruits];
        *next = (recruit){.team = team, .id = team->n_recruits, .runs = atomic_load(&team->runs)};
        if (!pynn_thread_start(&next->thread, serve, next)) { break; }
    }
    pynn_restore_signals(before);
}

/* Initialise a team of the caller alone. */
static void found(pynn_team *team) {
    team->n_recruits = 1;
    team->n_forks = atomic_load(&forks);
    team->ends = 0;
    atomic_init(&team->arrived, 0);
    atomic_init(&team->round, 0);
    atomic_init(&team->runs, 0);
    pynn_mutex_init(&team->lock);
    pynn_condition_init(&team->changed);
}

/* Begin a run of up to n_threads members. The run is counted in the same locked section that
 * describes it. Otherwise a thread that wakes late, for a run without it, would take part in this
 * one twice. */
static void begin(pynn_team *team, int n_threads, void (*work)(pynn_member, void *),
                  void *context) {
    if (n_threads > team->n_recruits) { recruit_up_to(team, n_threads); }
    pynn_mutex_lock(&team->lock);
    team->n = n_threads < team->n_recruits ? n_threads : team->n_recruits;
    team->work = work;
    team->context = context;
    team->slept_then = 0;
    atomic_store(&team->asked, 0);
    atomic_store(&team->slept, 0);
    atomic_store(&team->n_done, 0);
    if (team->n > 1) {
        team->asked_at = pynn_now();
        atomic_fetch_add_explicit(&team->runs, 1, memory_order_release);
        pynn_condition_broadcast(&team->changed);
    }
    pynn_mutex_unlock(&team->lock);
}

static void dismiss(pynn_team *team) {
    if (team->n_forks != atomic_load(&forks)) { return; } /* its threads exist only in the parent */
    pynn_mutex_lock(&team->lock);
    team->ends = 1;
    pynn_mutex_unlock(&team->lock);
    if (team->n_recruits > 1) { advance(team, &team->runs); }
    for (int i = 1; i < team->n_recruits; i++) { pynn_thread_join(team->recruits[i].thread); }
    pynn_condition_destroy(&team->changed);
    pynn_mutex_destroy(&team->lock);
}

pynn_team *pynn_team_new(void) {
    pynn_team *team = pynn_alloc(1, sizeof *team);
    if (team) { found(team); }
    return team;
}

void pynn_team_free(pynn_team *team) {
    if (team) { dismiss(team); }
    pynn_free(team);
}

void pynn_team_run(pynn_team *kept, int n_threads, void (*work)(pynn_member, void *),
                   void *context) {
    pynn_team own, *team = kept ? kept : &own;
    pynn_run_once(&once, survive_forks);
    if (!kept || team->n_forks != atomic_load(&forks)) { found(team); }
    begin(team, pynn_team_size(n_threads), work, context);
    const int n = team->n;
    atomic_fetch_add(&n_working, n);
    work((pynn_member){team, 0, n}, context);
    if (is_lost(team)) { return; } /* no thread is at work in this process */
    for (unsigned done; (done = atomic_load(&team->n_done)) < (unsigned)n - 1;) {
        wait_while(team, &team->n_done, done);
    }
    atomic_fetch_sub(&n_working, n);
    if (!kept) { dismiss(team); }
}

pynn_share pynn_share_of(size_t n, size_t grain, pynn_member member) {
    if (member.n == 1) { return (pynn_share){0, n}; }
    const size_t n_grains = (n + grain - 1) / grain;
    const size_t first = n_grains * (size_t)member.id / (size_t)member.n * grain;
    const size_t end = n_grains * ((size_t)member.id + 1) / (size_t)member.n * grain;
    return (pynn_share){first < n ? first : n, end < n ? end : n};
}

void pynn_exclusive_begin(void) {
    pynn_run_once(&once, survive_forks);
    lock();
}

void pynn_exclusive_end(void) { unlock(); }
