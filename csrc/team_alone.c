/* team_alone.c - replaces team.c on systems without threads: the caller works alone. */
#include "memory.h"
#include "pynn.h"
#include "team.h"

struct pynn_team {
    int asked; /* whether the team was asked to stop */
};

int pynn_team_most(int n_threads) { return (void)n_threads, 1; }

int pynn_team_size(int n_threads) { return (void)n_threads, 1; }

pynn_team *pynn_team_new(void) { return pynn_alloc(1, sizeof(pynn_team)); }

void pynn_team_free(pynn_team *team) { pynn_free(team); }

void pynn_team_run(pynn_team *kept, int n_threads, void (*work)(pynn_member, void *),
                   void *context) {
    pynn_team team = {0};
    (void)kept, (void)n_threads;
    work((pynn_member){&team, 0, 1}, context);
}

int pynn_team_meet(pynn_member member) { return member.team->asked; }

void pynn_team_stop(pynn_member member) { member.team->asked = 1; }

int pynn_team_asked(pynn_member member) { return member.team->asked; }

int pynn_team_crowded(pynn_member member) { return (void)member, 0; }

pynn_share pynn_share_of(size_t n, size_t grain, pynn_member member) {
    return (void)grain, (void)member, (pynn_share){0, n};
}

void pynn_exclusive_begin(void) {}

void pynn_exclusive_end(void) {}

void pynn_set_thread_limit(int n) { (void)n; }

void pynn_set_processors(int n) { (void)n; }

int pynn_get_thread_limit(void) { return 1; }
