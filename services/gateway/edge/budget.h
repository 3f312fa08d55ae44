/*
 * How many bytes a second transfers of files may move beside texts, found by trying: so many that
 * texts hardly take longer than without transfers, whatever is short: processors, disks, or other
 * machines.
 *
 *     edge_budget_start(&budget);
 *     edge_budget_text(&budget, took_us, now_us);            a text is stored
 *     wait_us = edge_budget_wait_us(&budget, now_us);        0: transfers may move
 *     edge_budget_moved(&budget, bytes, now_us);             they have
 *
 * In the first EDGE_BESIDE_QUIET_US of each second nothing is moved, unless it was little in the
 * second before: texts of that time, and of any other without transfers, show what the slowest
 * tenth takes (slow_us). Each second in which more texts beside transfers than EDGE_BESIDE_SLOW
 * were that slow takes from the budget; each that used it up, and was better, adds to it. Seconds
 * are those of Unix time, so that several gateways are quiet together. Where no texts flow nothing
 * is held back.
 *
 * Times are Unix time in us; where the clock is set back nothing is held for longer than a second.
 */
#ifndef PARLEY_GATEWAY_EDGE_BUDGET_H
#define PARLEY_GATEWAY_EDGE_BUDGET_H

#include <stddef.h>
#include <stdint.h>

/* limit: gateway | bytes of files a second beside texts, of all uploads and downloads together | as
 * many as slow texts down little, at least {EDGE_BESIDE_LEAST_BYTES}; all where fewer than
 * {EDGE_BESIDE_TEXTS} texts a second flow | they wait for their turn */
#define EDGE_BESIDE_LEAST_BYTES ((uint64_t)4194304)
#define EDGE_BESIDE_TEXTS 10
/* What it begins with, and the most, a second. */
#define EDGE_BESIDE_FIRST_BYTES ((uint64_t)33554432)
#define EDGE_BESIDE_TOP_BYTES ((uint64_t)1073741824)
#define EDGE_BESIDE_QUIET_US 100000
/* A text that begins so long after bytes were moved is not slower for them: files is at work for as
 * long. */
#define EDGE_BESIDE_SETTLE_US 20000
/* The share of texts beside transfers that may be as slow as a tenth is without. */
#define EDGE_BESIDE_SLOW 0.16

struct edge_budget {
    uint64_t bytes_s;             /* the budget */
    double slow_us;               /* a tenth of texts takes longer without transfers; 0: unknown */
    int64_t second;               /* that these are of: */
    uint64_t texts, texts_before; /* in it, and in the one before */
    uint64_t moved, moved_before;
    int64_t moved_us, free_us; /* when bytes were moved last; when more may be */
    unsigned beside, slow;     /* texts beside transfers since the last change, and slow ones */
};

void edge_budget_start(struct edge_budget *self);
void edge_budget_text(struct edge_budget *self, int64_t took_us, int64_t now_us);
int64_t edge_budget_wait_us(struct edge_budget *self, int64_t now_us);
void edge_budget_moved(struct edge_budget *self, size_t bytes, int64_t now_us);

#endif
