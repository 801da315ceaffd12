/* team.h - the threads of one call. All run the same function on their own shares and meet at
 * barriers. They end with the call, or with the fit if its calls share a team, so an idle or
 * exiting process has none. */
#ifndef PYNN_TEAM_H
#define PYNN_TEAM_H

#include <stddef.h>

typedef struct pynn_team pynn_team;

/* One of the n threads of a team; id 0 is the caller's. */
typedef struct {
    pynn_team *team;
    int id, n;
} pynn_member;

/* n_threads, clamped to the allowed range. Memory for a team is sized by this. */
int pynn_team_most(int n_threads);

/* How many of n_threads a team would use now: at most the processors that other teams of this
 * process do not use. On two processors, two concurrent fits with calls of 1 ms took twice as long
 * with two threads each as with one. */
int pynn_team_size(int n_threads);

/* Create a team whose threads, once started, wait for its next run. NULL: no memory. In a child
 * after a fork, the team starts new threads. pynn_team_free accepts NULL. */
pynn_team *pynn_team_new(void);
void pynn_team_free(pynn_team *team);

/* Run work(member, context) once in each of n_threads threads, including the caller, and return
 * when all are done. The team is smaller if not all threads can be started. kept: a team; NULL:
 * start threads for this run only. */
void pynn_team_run(pynn_team *kept, int n_threads, void (*work)(pynn_member member, void *context),
                   void *context);

/* Barrier: return when all members have called it. Memory written before it is visible to all
 * members after it. Returns whether a member asked the team to stop, the same answer to all
 * members. */
int pynn_team_meet(pynn_member member);

/* Ask the team to stop. pynn_team_asked reports this at once, the barrier reports it to all members
 * together. Both also report it in a child that was forked during the run: its team is lost. */
void pynn_team_stop(pynn_member member);
int pynn_team_asked(pynn_member member);

/* Whether members wait for each other because others use the processors. For member 0, to be called
 * repeatedly. */
int pynn_team_crowded(pynn_member member);

/* A member's part [first, end) of n items; all parts but the last are multiples of grain. */
typedef struct {
    size_t first, end;
} pynn_share;
pynn_share pynn_share_of(size_t n, size_t grain, pynn_member member);

/* Only one thread of the process runs between begin and end at a time. Safe across fork. */
void pynn_exclusive_begin(void);
void pynn_exclusive_end(void);

#endif
