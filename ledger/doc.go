// Package ledger is the deterministic state machine of the app chain: the whole of
// what a block does to the state.
//
//	Apply(state, block input) → (new state, log, error)
//
// It promises:
//
//   - The same input gives the same state, root and log everywhere: there is no clock,
//     disk, network, goroutine, map order or floating point here. Time is the block's.
//   - A transaction applies whole or not at all. An error of Apply leaves the old state
//     as it was; it says why, as a [Rejection] with a code.
//   - A verified event always applies. What is unusable in it is booked as unassigned.
//   - No action leaves that its bridge could refuse for its limit, and value is
//     conserved: see [Audit].
//
// Records live in a Merkle map under the keys of keys.go; every record is Borsh. The
// app has a map of its own.
package ledger
