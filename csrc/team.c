/* team.c - the only file that knows threads. */
#include "team.h"

#include <pthread.h>

static pthread_mutex_t exclusive = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void lock(void) { pthread_mutex_lock(&exclusive); }

static void unlock(void) { pthread_mutex_unlock(&exclusive); }

/* A fork while another thread holds the lock would leave the child with a lock that nobody frees. */
static void survive_forks(void) { pthread_atfork(lock, unlock, unlock); }

void pynn_exclusive_begin(void) {
    pthread_once(&once, survive_forks);
    lock();
}

void pynn_exclusive_end(void) { unlock(); }
