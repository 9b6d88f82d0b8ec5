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
//   - No action leaves that its bridge could refuse for its limit (bucket.go says how and
//     under which bounds of the clocks), and value is conserved: see [View.Audit].
//   - Whatever Apply accepts, a follower can decode: bounds of the codec are rules here.
//
// Where the design leaves a choice, it is this:
//
//   - A withdrawal's fee is kept with it and goes to the treasury when the bridge has
//     executed the payment, also if the payment failed there. So what is returned is returned whole.
//   - A withdrawal that fits no limit any more is returned when it gets to the front of its
//     queue, at most 256 per bridge and block: queues have no bound, blocks do.
//   - A paused bridge queues and emits nothing. A halted one refuses withdrawals; deposits go on.
//   - An event that contradicts the books (an action or a claim that cannot be) changes no
//     books: it is kept as unassigned, and the bridge halts. A deposit that cannot be
//     credited is not counted as held.
//   - Of two accounts that a link makes one, that one goes from which nobody has ever spent:
//     one without a key, or with one key that has never signed and nothing else (ADR 0006).
//   - A queue moves in a block that touches its bridge, or in a Tick; a block of transfers
//     writes two accounts and nothing else.
//   - Control actions have competing candidates per sequence; one of them gets sealed, and a
//     sealed limit binds the mirror at once.
//
// Records live in a Merkle map under the keys of keys.go; every record is Borsh. The
// app has a map of its own.
package ledger
