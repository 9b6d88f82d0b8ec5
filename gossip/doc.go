// Package gossip is the peer-to-peer host of a daemon: messages to everybody who listens
// to a topic (libp2p GossipSub), and requests to one peer (libp2p streams). It carries bytes
// and knows nothing of what they mean; package gossip/wire does.
//
// A [Host] is made by [New] and lives while [Host.Run] does. Handlers may be registered and
// taken back at any time, before, during and after a run, and outlive a run that failed.
//
// # Messages
//
// [Host.Publish] hands a message to a bounded queue and returns. It is sent once, to whoever
// is connected then: there is no delivery to those who come later, and none is confirmed.
// What must arrive is published again by its owner until it has had its effect.
//
// Every message carries the round, of [RoundLength], in which it was published, and is known
// by the hash of topic, round and content. So the same message from two members is one, a
// message published again in a later round is new, and one that was recorded and is played
// back later than [MaxAge] is dropped, as is one from a clock that differs by more.
//
// A received message is, in this order: dropped when its topic is unknown, when it is larger
// than its topic allows or when the peer that sent it is over its rate; dropped when a copy
// was seen; dropped when its sender's libp2p signature is wrong or missing; and handed to the
// handlers of its topic, whose verdict decides whether it is relayed. A topic has a fixed
// number of places for messages that wait for or are with handlers; when all are taken a
// new message is dropped, and not relayed. Order is not kept.
//
// # Requests
//
// [Host.Request] asks one peer and waits for its answer. Sizes, time, and the number of
// requests that one peer and all peers together may have open are bounded on both sides; a
// static peer has places of its own, which no number of strangers can take. A
// protocol is a name; a plugin serves one of its own on the same host. A peer that does not
// speak a protocol is not listed by [Host.Peers] for it, and nothing else.
//
// # Peers
//
// The host stays connected to its static peers, and dials them again with growing pauses for
// as long as it runs. The network's id is part of every topic and protocol name, so hosts of
// different networks have nothing to say to each other. An allow-list, if there is one, is
// applied when a connection's keys are known.
//
// A peer that sends what no honest peer sends (oversized, over its rate, rejected by a handler,
// an answer that is not one) is penalised in its GossipSub score; below the thresholds it is
// left out of the mesh and then not listened to. Penalties fade within minutes. It is named in
// one fixed log line, "misbehaving peer", at most once a minute per peer and deed.
package gossip
