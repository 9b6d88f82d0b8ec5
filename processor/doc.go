// Package processor is the role that makes the app chain's blocks: it takes transactions
// from everybody, puts them into an order, executes them one block each, and signs the blocks.
// It also brings in what members sign: events, seals, bridges, control actions.
//
// # From a transaction to a durable block
//
// Every step runs beside the others, a block at a time in each:
//
//	check (all cores) → mempool → execute (one goroutine) → sign (all cores) →
//	make durable (many blocks, one sync) → answer who waits, gossip
//
// A block's hash does not cover its signature, so the next block is executed while this
// one is being signed. The executor may be thousands of blocks ahead of the disk; nothing
// outside sees a block before it is durable.
//
// # No second block of one height
//
// The processor's key signs blocks without a guard of their own, because the chain's store
// is that guard, and a separate record would cost a second sync. The argument:
//
//  1. A block's signature leaves the process only inside the block, and a block leaves it
//     only after [appchain.Node.Commit] has returned: answers, gossip and served requests all read
//     durable blocks.
//  2. Commit writes blocks in order, each batch whole or not at all, and refuses a run that
//     does not follow the head. So for a height there is at most one durable block.
//  3. After kill -9 the process begins at the newest durable block. What it had executed and
//     signed above that height was never durable, so by 1 nobody outside has seen it, and
//     signing another block there contradicts nothing that exists.
//  4. After a commit that failed the store takes no more writes, so no other block of that
//     height can become durable, or be published, before the store is opened anew; it then
//     holds the batch or does not, and 3 applies.
//
// It rests on one process having the store open, which the store's lock enforces, and on
// the store being the newest. A disk that was lost or an older copy that was restored cannot
// tell that it is not, so at every start the members are asked ([appchain.RollCall]), and
// blocks are made only on top of everything that this key was shown to have signed. And
// when another processor with the same key shows itself, this one stops ([ErrSignedElsewhere]).
//
// Seals of actions are signed behind the ordinary guard, and only when the block that
// emitted the action is durable.
//
// # What members sign
//
// Attestations, approvals and votes are tallied in memory, bounded per member, and only if
// they fit the present state; members repeat them until the state has moved on, so a
// restart loses nothing. A listener with wrong content spoils only its own entries: heads are
// tallied apart, events are proven by the head that a quorum signed, and a peer that serves
// others is passed over.
package processor
