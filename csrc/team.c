/* team.c - the only file that knows threads. */
#include "team.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include "clock.h"
#include "pynn.h"

static atomic_int thread_limit, processors;

/* Threads in all teams of this process. */
static atomic_int n_working;

int pynn_team_most(int n_threads) {
    return n_threads < 1 ? 1 : n_threads > PYNN_MOST_THREADS ? PYNN_MOST_THREADS : n_threads;
}

int pynn_team_size(int n_threads) {
    n_threads = pynn_team_most(n_threads);
    const int others = atomic_load(&n_working);
    if (others <= 0 || n_threads == 1) { return n_threads; }
    const int usable = atomic_load(&processors);
    const int left = (usable ? usable : (int)sysconf(_SC_NPROCESSORS_ONLN)) - others;
    return left < 1 ? 1 : n_threads < left ? n_threads : left;
}

static pthread_mutex_t exclusive = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void lock(void) { pthread_mutex_lock(&exclusive); }

static void unlock(void) { pthread_mutex_unlock(&exclusive); }

static void begin_alone(void) {
    unlock();
    atomic_store(&n_working, 0);
}

/* A fork while other threads work would leave the child with a lock that nobody frees, and with
 * teams that are not there. */
static void survive_forks(void) { pthread_atfork(lock, unlock, begin_alone); }

void pynn_set_thread_limit(int n) { atomic_store(&thread_limit, n > 0 ? n : 0); }

void pynn_set_processors(int n) { atomic_store(&processors, n > 0 ? n : 0); }

int pynn_get_thread_limit(void) { return atomic_load(&thread_limit); }

/* How long a member spins at a barrier before it sleeps. A partner that has its processor comes in
 * well under it; one that has lost it stays away for milliseconds. */
enum { SPIN_NS = 200 * 1000 };

/* How often a team is asked whether it is crowded, and which part of this time, summed over all
 * members but one, they may sleep at barriers. Work that is shared out unevenly stays well below.
 */
enum { CROWD_NS = 20 * 1000 * 1000, CROWD_PART = 4 };

struct pynn_team {
    int n;
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_uint round; /* barriers passed */
    _Alignas(64) atomic_int asked;  /* to stop */
    int stops;                      /* what the barrier answers: asked, as its last member saw it */
    atomic_int_fast64_t slept;      /* ns, summed over the members */
    int64_t asked_at, slept_then;   /* when member 0 was last told whether the team is crowded */
    pthread_mutex_t lock;           /* of those who sleep */
    pthread_cond_t next_round;
    void (*work)(pynn_member, void *);
    void *context;
};

typedef struct {
    pthread_t thread;
    pynn_member member;
} recruit;

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* A round is over for this member once the count has moved on. */
static void wait_for_next_round(pynn_team *team, unsigned round) {
    const int64_t begun = pynn_now();
    do {
        for (int i = 0; i < 64; i++) {
            if (atomic_load_explicit(&team->round, memory_order_acquire) != round) { return; }
            relax();
        }
    } while (pynn_now() < begun + SPIN_NS);
    pthread_mutex_lock(&team->lock);
    while (atomic_load_explicit(&team->round, memory_order_acquire) == round) {
        pthread_cond_wait(&team->next_round, &team->lock);
    }
    pthread_mutex_unlock(&team->lock);
    atomic_fetch_add_explicit(&team->slept, pynn_now() - begun, memory_order_relaxed);
}

int pynn_team_meet(pynn_member member) {
    pynn_team *team = member.team;
    if (member.n == 1) { return atomic_load_explicit(&team->asked, memory_order_relaxed); }
    const unsigned round = atomic_load_explicit(&team->round, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) + 1 < member.n) {
        wait_for_next_round(team, round);
        return team->stops;
    }
    atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
    /* Taken here once for all: a member that asks after the barrier is heard at the next one. */
    const int stops = team->stops = atomic_load_explicit(&team->asked, memory_order_relaxed);
    pthread_mutex_lock(&team->lock);
    atomic_store_explicit(&team->round, round + 1, memory_order_release);
    pthread_cond_broadcast(&team->next_round);
    pthread_mutex_unlock(&team->lock);
    return stops;
}

void pynn_team_stop(pynn_member member) {
    atomic_store_explicit(&member.team->asked, 1, memory_order_relaxed);
}

int pynn_team_asked(pynn_member member) {
    return atomic_load_explicit(&member.team->asked, memory_order_relaxed);
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

static void *serve(void *recruit_) {
    const recruit *r = recruit_;
    /* The size of the team is known once all are recruited: the first barrier is for that. */
    wait_for_next_round(r->member.team, 0);
    const pynn_member member = {r->member.team, r->member.id, r->member.team->n};
    member.team->work(member, member.team->context);
    return NULL;
}

/* Signals of a thread's own faults: blocked ones would kill the process before a handler, such as
 * faulthandler's, could report them. */
static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};

/* Starts threads 1 .. n_threads - 1, which take no signals but those of their own faults; returns
 * how many there are now. */
static int recruit_all(pynn_team *team, recruit *recruits, int n_threads) {
    sigset_t all, before;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) { sigdelset(&all, faults[i]); }
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int n = 1;
    for (; n < n_threads; n++) {
        recruits[n].member = (pynn_member){team, n, 0};
        if (pthread_create(&recruits[n].thread, NULL, serve, &recruits[n])) { break; }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return n;
}

void pynn_team_run(int n_threads, void (*work)(pynn_member, void *), void *context) {
    recruit recruits[PYNN_MOST_THREADS];
    pynn_team team = {.n = 1,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .next_round = PTHREAD_COND_INITIALIZER,
                      .work = work,
                      .context = context};
    pthread_once(&once, survive_forks);
    n_threads = pynn_team_size(n_threads);
    if (n_threads > 1) {
        team.n = recruit_all(&team, recruits, n_threads);
        team.asked_at = pynn_now();
        pthread_mutex_lock(&team.lock);
        atomic_store_explicit(&team.round, 1, memory_order_release);
        pthread_cond_broadcast(&team.next_round);
        pthread_mutex_unlock(&team.lock);
    }
    atomic_fetch_add(&n_working, team.n);
    work((pynn_member){&team, 0, team.n}, context);
    atomic_fetch_sub(&n_working, team.n);
    for (int i = 1; i < team.n; i++) { pthread_join(recruits[i].thread, NULL); }
    pthread_cond_destroy(&team.next_round);
    pthread_mutex_destroy(&team.lock);
}

pynn_share pynn_share_of(size_t n, size_t grain, pynn_member member) {
    if (member.n == 1) { return (pynn_share){0, n}; }
    const size_t n_grains = (n + grain - 1) / grain;
    const size_t first = n_grains * (size_t)member.id / (size_t)member.n * grain;
    const size_t end = n_grains * ((size_t)member.id + 1) / (size_t)member.n * grain;
    return (pynn_share){first < n ? first : n, end < n ? end : n};
}

void pynn_exclusive_begin(void) {
    pthread_once(&once, survive_forks);
    lock();
}

void pynn_exclusive_end(void) { unlock(); }
