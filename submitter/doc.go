// Package submitter carries sealed actions to their bridges: value actions in order,
// control actions at once.
//
// It promises:
//
//   - Intent and every attempt (nonce, fee, signed bytes) are on the disk before the
//     attempt is broadcast. After a crash it goes on from its records, the node's pool and
//     the bridge's counters; nothing is lost, and what is sent twice executes once, because
//     the bridge takes each id once.
//   - Several actions may wait in the pool at the same time, their nonces in the order of
//     the actions. A nonce that would block those behind it is used up by an empty transaction.
//   - Fees rise by the network's rule while a transaction waits, within caps that can be
//     changed at any time. A price above the caps is waited for, and Status says so.
//   - Truth is what the bridge says at finality. Whoever else delivers the same action is
//     no trouble. A record goes when its nonce and its delivery are both settled, and the sink
//     has swept what its attempts have left on the chain; what hinders that hinders no delivery.
//   - An error that no repetition helps stops that lane, with the reason in Status, and is
//     tried again only rarely.
//
// machine.go decides and knows no network, disk or clock; carrier.go asks the chain,
// has the machine decide, and does it.
package submitter
