/* system_threads.h - threads of POSIX and of Windows under the same names, for team.c. */
#ifndef PYNN_SYSTEM_THREADS_H
#define PYNN_SYSTEM_THREADS_H

#if defined(_WIN32)
#include <process.h>
#include <windows.h>

typedef SRWLOCK pynn_mutex;
typedef CONDITION_VARIABLE pynn_condition;
typedef INIT_ONCE pynn_once;
typedef HANDLE pynn_thread;
#define PYNN_MUTEX SRWLOCK_INIT
#define PYNN_ONCE INIT_ONCE_STATIC_INIT
#define PYNN_THREAD_MAIN unsigned __stdcall /* return type of a thread's main function */

static inline void pynn_mutex_init(pynn_mutex *mutex) { InitializeSRWLock(mutex); }
static inline void pynn_mutex_destroy(pynn_mutex *mutex) { (void)mutex; }
static inline void pynn_mutex_lock(pynn_mutex *mutex) { AcquireSRWLockExclusive(mutex); }
static inline void pynn_mutex_unlock(pynn_mutex *mutex) { ReleaseSRWLockExclusive(mutex); }

static inline void pynn_condition_init(pynn_condition *c) { InitializeConditionVariable(c); }
static inline void pynn_condition_destroy(pynn_condition *c) { (void)c; }
static inline void pynn_condition_wait(pynn_condition *c, pynn_mutex *mutex) {
    SleepConditionVariableSRW(c, mutex, INFINITE, 0);
}
static inline void pynn_condition_broadcast(pynn_condition *c) { WakeAllConditionVariable(c); }

static inline BOOL CALLBACK pynn_call_once(INIT_ONCE *once, void *function, void **result) {
    (void)once, (void)result;
    (*(void (**)(void))function)();
    return TRUE;
}
static inline void pynn_run_once(pynn_once *once, void (*function)(void)) {
    InitOnceExecuteOnce(once, pynn_call_once, &function, NULL);
}

/* Start a thread. Returns whether it could be started. */
static inline int pynn_thread_start(pynn_thread *thread, PYNN_THREAD_MAIN (*run)(void *),
                                    void *argument) {
    *thread = (HANDLE)_beginthreadex(NULL, 0, run, argument, 0, NULL);
    return *thread != NULL;
}
static inline void pynn_thread_join(pynn_thread thread) {
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

static inline int pynn_n_processors(void) {
    return (int)GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
}

/* Windows does not fork processes, and runs signal handlers in threads of their own. */
static inline void pynn_at_fork(void (*before)(void), void (*in_parent)(void),
                                void (*in_child)(void)) {
    (void)before, (void)in_parent, (void)in_child;
}
typedef int pynn_signals;
static inline pynn_signals pynn_block_signals(void) { return 0; }
static inline void pynn_restore_signals(pynn_signals before) { (void)before; }

#else
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

typedef pthread_mutex_t pynn_mutex;
typedef pthread_cond_t pynn_condition;
typedef pthread_once_t pynn_once;
typedef pthread_t pynn_thread;
#define PYNN_MUTEX PTHREAD_MUTEX_INITIALIZER
#define PYNN_ONCE PTHREAD_ONCE_INIT
#define PYNN_THREAD_MAIN void *

static inline void pynn_mutex_init(pynn_mutex *mutex) { pthread_mutex_init(mutex, NULL); }
static inline void pynn_mutex_destroy(pynn_mutex *mutex) { pthread_mutex_destroy(mutex); }
static inline void pynn_mutex_lock(pynn_mutex *mutex) { pthread_mutex_lock(mutex); }
static inline void pynn_mutex_unlock(pynn_mutex *mutex) { pthread_mutex_unlock(mutex); }

static inline void pynn_condition_init(pynn_condition *c) { pthread_cond_init(c, NULL); }
static inline void pynn_condition_destroy(pynn_condition *c) { pthread_cond_destroy(c); }
static inline void pynn_condition_wait(pynn_condition *c, pynn_mutex *mutex) {
    pthread_cond_wait(c, mutex);
}
static inline void pynn_condition_broadcast(pynn_condition *c) { pthread_cond_broadcast(c); }

static inline void pynn_run_once(pynn_once *once, void (*function)(void)) {
    pthread_once(once, function);
}

static inline int pynn_thread_start(pynn_thread *thread, PYNN_THREAD_MAIN (*run)(void *),
                                    void *argument) {
    return !pthread_create(thread, NULL, run, argument);
}
static inline void pynn_thread_join(pynn_thread thread) { pthread_join(thread, NULL); }

static inline int pynn_n_processors(void) { return (int)sysconf(_SC_NPROCESSORS_ONLN); }

static inline void pynn_at_fork(void (*before)(void), void (*in_parent)(void),
                                void (*in_child)(void)) {
    pthread_atfork(before, in_parent, in_child);
}

/* Block all signals, for the threads that are started until they are restored, except those for a
 * thread's own faults. If these were blocked, they would kill the process before a handler such as
 * faulthandler's could report them. */
typedef sigset_t pynn_signals;
static inline pynn_signals pynn_block_signals(void) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t all, before;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) { sigdelset(&all, faults[i]); }
    pthread_sigmask(SIG_SETMASK, &all, &before);
    return before;
}
static inline void pynn_restore_signals(pynn_signals before) {
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

#endif
#endif
