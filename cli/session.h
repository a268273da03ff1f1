/* Photos one after the other: what score (by a detector) and zero (by texts alone) have in common. */
#ifndef LAKE_SESSION_H
#define LAKE_SESSION_H

#include "cli/results.h"
#include "cli/settings.h"
#include "cli/terminal.h"
#include "lake.h"

typedef struct {
    const LakeDetector *detector; /* NULL: zero-shot, by texts and threshold */
    const LakeTexts *texts;
    double threshold;
    PhotoOptions photos;
    LakeObserver *eye;
    LakeTokens tokens;
    LakeResult result;
    Results *results;
    Progress progress;
} Session;

/* Scores what the arguments name: photos, folders, or "-" for paths from standard input, each answered before the next
 * is read. What cannot be read is a row of its own, not the end; what cannot be written ends the run. */
int session_score(Session *session, const char *const *arguments, size_t count, Error *e);

#endif
