// Package approver signs the actions that the ledger asks for, after it has found out for
// itself that each is right.
//
// It promises that an approval exists only if, at that moment:
//
//   - its own node has executed the block that emitted the action, and a listener quorum
//     and an approver quorum have acknowledged that block or a later one;
//   - its own endpoints have shown, for every attached bridge, the very events that the
//     ledger had applied when the action was seen: the same head after the same event. So a
//     lying quorum of listeners, of whichever chain, moves nothing that leaves. The bridges
//     that hold one of the action's assets must be readable at that moment; an outage of
//     another chain stops nothing that does not depend on what happened there since;
//   - the action is what the withdrawals in the ledger ask for, and the digest is the
//     approver's own;
//   - the bridge really holds what it is to pay, by the approver's own reading;
//   - the outflow stays within the approver's own limits, whose counters are on the disk
//     before the signature exists;
//   - nothing proves that the processor is hostile.
//
// Whatever is not signed has a [Reason], in words, for as long as that lasts: in Status,
// once in the log, and to the observer.
//
// The package also signs control votes and pauses when its operator asks.
package approver
