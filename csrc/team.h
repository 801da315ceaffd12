/* team.h - the threads of one call: all do the same work on shares of their own, and meet at
 * barriers. They live no longer than the call, or than the fit whose calls share a team, so that an
 * exit or an idle process meets none. */
#ifndef PYNN_TEAM_H
#define PYNN_TEAM_H

#include <stddef.h>

typedef struct pynn_team pynn_team;

/* One thread among the n of its team; id 0 is the caller's own. */
typedef struct {
    pynn_team *team;
    int id, n;
} pynn_member;

/* n_threads, or the nearest number that a team may have: memory for a team is sized by this. */
int pynn_team_most(int n_threads);

/* How many of n_threads a team would take now: no more than the processors that other teams of this
 * process leave. Two fits at once, calls of 1 ms with two threads each on two processors, took
 * twice as long as with one. */
int pynn_team_size(int n_threads);

/* A team whose threads, once started, wait for its next run. NULL: no memory. In a child after a
 * fork it starts new threads. pynn_team_free takes NULL too. */
pynn_team *pynn_team_new(void);
void pynn_team_free(pynn_team *team);

/* Runs work(member, context) once in each of n_threads threads, the caller being one, and returns
 * when all are done. Where there are fewer threads to be had, the team is smaller. kept: the team,
 * or NULL: threads of this run alone. */
void pynn_team_run(pynn_team *kept, int n_threads, void (*work)(pynn_member member, void *context),
                   void *context);

/* Returns when all members have come here; memory written before is seen by all afterwards. The
 * answer, the same for all: has a member asked the team to stop? */
int pynn_team_meet(pynn_member member);

/* Asks the team to stop. Others hear it at once by pynn_team_asked, and together at the barrier. So
 * does a child that was forked amid the run: its team is lost. */
void pynn_team_stop(pynn_member member);
int pynn_team_asked(pynn_member member);

/* For member 0, now and then: do members wait for one another because others use the processors? */
int pynn_team_crowded(pynn_member member);

/* The part [first, end) of n items that a member takes, in whole grains but for the last. */
typedef struct {
    size_t first, end;
} pynn_share;
pynn_share pynn_share_of(size_t n, size_t grain, pynn_member member);

/* One thread at a time between begin and end, in the whole process. Safe across fork. */
void pynn_exclusive_begin(void);
void pynn_exclusive_end(void);

#endif
