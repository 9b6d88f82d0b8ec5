// Package chain is the boundary between Trine's core and an external chain.
//
// An adapter implements two interfaces. [Source] reads: pure reads at a pinned block
// of one endpoint, without retry, quorum or memory; package chain/quorum makes one
// Source of k out of m. [Sink] writes: it knows how a delivery is built, signed,
// broadcast and looked up, and what may replace what; when to do so is the submitter's
// business, for all chains alike. An [Adapter] is the table that tells the rest of the
// program how to open both.
//
// Answers are three-valued. A value means seen. [ErrAbsent] means proven absent.
// Every other error means unknown, and unknown never votes. What a caller should do
// about an error is its [Verdict].
//
// Every adapter passes the suite in chain/chaintest. docs/adding-a-chain.md goes through
// all that a new one takes.
package chain
