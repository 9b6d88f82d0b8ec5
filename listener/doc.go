// Package listener attests what happens on bridges: for each bridge it reads the settled
// events by its own endpoints, and signs and gossips their heads.
//
// It promises:
//
//   - Nothing is attested that its own source has not shown at a settled block, with a
//     head that the contract confirms there. While the source is unavailable, disagrees
//     or contradicts itself, nothing is attested, and Status says why.
//   - One head per event id and generation: the guard behind the signer has it on the disk
//     before the signature exists, until the event lies behind an acknowledged block; then
//     the guard forgets it and refuses any.
//   - What it attests is what others need to stand on one head: the newest event, every
//     256th while there are many, and each one that another listener has attested and
//     that it has verified too. It repeats them while the ledger is behind.
//   - It serves the events that it has verified to whoever asks, by [ProtocolEvents].
//   - It votes to attach a bridge only after the operator has asked for it and after it
//     has checked code, validator set and events itself.
//
// Each bridge is followed by a goroutine of its own, so a slow chain delays no other.
package listener
