#include "session.h"

#include "memory.h"

struct pynn_session {
    pynn_team *team;
    void *block;
    size_t n_bytes;
};

pynn_session *pynn_session_new(void) {
    pynn_session *session = pynn_alloc(1, sizeof *session);
    pynn_team *team = pynn_team_new();
    if (!session || !team) {
        pynn_team_free(team);
        pynn_free(session);
        return NULL;
    }
    *session = (pynn_session){.team = team};
    return session;
}

void pynn_session_free(pynn_session *session) {
    if (!session) { return; }
    pynn_team_free(session->team);
    pynn_free(session->block);
    pynn_free(session);
}

void *pynn_session_take(pynn_session *session, size_t n, size_t size) {
    if (!session) { return pynn_alloc(n, size); }
    if (!session->block || n > session->n_bytes / size) {
        pynn_free(session->block);
        session->block = pynn_alloc(n, size);
        session->n_bytes = session->block ? n * size : 0;
    }
    pynn_unguard(session->block, session->n_bytes);
    return session->block;
}

void pynn_session_give_back(pynn_session *session, void *block) {
    if (!session) { pynn_free(block); }
}

pynn_team *pynn_session_team(pynn_session *session) { return session ? session->team : NULL; }
