// Package appchain is one copy of the app chain on this machine: it executes blocks,
// stores them, hands them to whoever subscribes, and keeps up with the other nodes.
//
// # The node
//
// [Node] holds the newest block and state and everything that led there. It promises:
//
//   - What it shows is durable. A block, its Merkle nodes, its log and the indexes are one
//     atomic batch; only when that batch is on the disk do [Node.Head], [Node.Subscribe]
//     and the others know the block. So nothing that anybody was told is lost by a crash.
//   - Several blocks may share one batch, with only those Merkle nodes that the last state
//     reaches. After a crash the node stands at the last block of the last whole batch.
//   - A store belongs to one genesis; with another one it is refused by name.
//   - Memory is bounded: nodes of the map that no recent block used are dropped and come
//     back from the store ([Node.Bound]).
//
// # The follower
//
// [Follower] receives blocks by gossip and asks peers for what is missing. It believes
// nobody: every block is executed again. A block that the processor signed and that no
// honest execution leads to, or a second signed block of one height, is proof of a hostile
// processor: it is stored, gossiped, and from then on [Node.Compromised] says so, also
// after a restart. Whoever signs anything asks it first.
//
// A run of blocks that the node has already is recognized before anything is decoded or checked:
// old blocks carry good signatures, and a stranger may play them back for ever.
//
// # The roll call
//
// [RollCall] is how a processor that starts finds out whether its key has signed blocks that
// its folder does not hold. Every node answers it, those of members with a signature.
//
// # Acknowledgements
//
// [Acknowledger] signs the newest executed block while an action waits for it. [AckBook]
// knows up to which height a listener quorum and an approver quorum have done so.
package appchain
