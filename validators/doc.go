// Package validators holds the validator set: who is in which group, how many of a
// group make a quorum, and whether a list of signatures is one.
//
// Three groups check each other: the processor (one key), the listeners (k of n) and
// the approvers (k of n). A key holds one seat. The set of an epoch never changes; a
// change makes the set of the next epoch.
//
// The package is pure: values in, values out, no clock, disk, network or map order.
package validators
