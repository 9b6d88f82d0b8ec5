// Package pebblestore keeps a [store.KV] in a folder, by Pebble: the store of every daemon,
// and with its in-memory file system the store of tests.
//
// It promises what package store promises, and:
//
//   - One process per folder. A second one is refused with an error that names the first.
//   - It stops at the first write that the disk refuses. Pebble itself ends the process, or
//     stumbles on, when a write fails; here a fence between Pebble and the disk takes note
//     of the failure, lets nothing more through, and answers Pebble as if all were well,
//     while every caller from then on gets the failure. What is on the disk then is exactly
//     what a power cut at that write would leave, which Pebble is built to recover from.
//   - Concurrent commits share syncs: Pebble's commit queue writes them to its log in order
//     and syncs for all who wait.
//
// Pebble's events go to slog: what an operator can act on (a slow disk, stalled writes,
// damage) at warning or error level, the rest at debug level.
package pebblestore
