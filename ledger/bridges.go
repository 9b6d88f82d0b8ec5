package ledger

import (
	"fmt"

	"github.com/trinebridge/trine/bridgecontracts"
	"github.com/trinebridge/trine/codec"
	"github.com/trinebridge/trine/validators"
)

// bridge is a bridge that the block uses. Its Tokens stand in the order of assets.tokens.
type bridge struct {
	Bridge
	assets *chainAssets
	dirty  bool
	// moved says that the queue may move at the end of this block: funds, limits, the
	// queue itself or what is in flight changed, or time is to be looked at.
	moved bool
}

// bridge returns the bridge of a domain, nil if there is none.
func (m *machine) bridge(domain bridgecontracts.Domain) (*bridge, error) {
	for _, b := range m.bridges {
		if b.Domain == domain {
			return b, nil
		}
	}
	b := new(bridge)
	ok, err := m.table.get(bridgeKey(domain), &b.Bridge)
	if err != nil || !ok {
		return nil, err
	}
	assets := m.ledger.byChain[b.Chain]
	if len(assets.tokens) != len(b.Tokens) {
		return nil, fmt.Errorf("ledger: bridge %s is corrupt: it has %d tokens, chain %s has %d", domain, len(b.Tokens), b.Chain, len(assets.tokens))
	}
	b.assets = &assets
	m.bridges = append(m.bridges, b)
	return b, nil
}

// knownBridge is bridge for a message that must name an attached one.
func (m *machine) knownBridge(domain bridgecontracts.Domain) (*bridge, error) {
	b, err := m.bridge(domain)
	if err == nil && b == nil {
		err = reject(CodeUnknownBridge, "no bridge with domain %s is attached", domain)
	}
	return b, err
}

// bridgeOn returns the bridge of a chain.
func (m *machine) bridgeOn(chain string) (*bridge, error) {
	var domain word
	ok, err := m.table.get(chainKey(chain), &domain)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, reject(CodeUnknownBridge, "no bridge is attached on chain %q", chain)
	}
	return m.knownBridge(bridgecontracts.Domain(domain))
}

// book returns the index of an asset's books.
func (b *bridge) book(asset AssetID) (int, bool) {
	for i := range b.Tokens {
		if b.Tokens[i].Asset == asset {
			return i, true
		}
	}
	return 0, false
}

// lag is how far the mirror of a bucket runs behind, in seconds: see bucket.go.
func (b *bridge) lag() uint64 { return 2 * b.assets.chain.Skew }

func (b *bridge) paused() bool { return b.PauseSequence%2 == 1 }

// halt stops the value lane for good: what its bridge did is not what the app chain knows.
func (m *machine) halt(b *bridge, reason string) {
	if b.Halted == "" {
		b.Halted = reason
		m.emit(&BridgeHalted{Domain: b.Domain, Reason: reason})
	}
}

// attach adds a bridge. Sequence is one above the number of attached bridges, so a
// certificate works once. A chain has one bridge.
func (m *machine) attach(msg *Attach) error {
	if err := m.readMeta(); err != nil {
		return err
	}
	assets, ok := m.ledger.byChain[msg.Chain]
	if !ok {
		return reject(CodeUnknownBridge, "chain %q is not listed in the genesis", msg.Chain)
	}
	if next := uint64(len(m.meta.Bridges)) + 1; msg.Sequence != next {
		return reject(CodeStale, "attach sequence is %d, the next one is %d", msg.Sequence, next)
	}
	var other word
	if taken, err := m.table.get(chainKey(msg.Chain), &other); err != nil {
		return err
	} else if taken {
		return reject(CodeStale, "chain %s has the bridge with domain %s already", msg.Chain, codec.Hash(other))
	}
	if err := assets.chain.Rule.Check(msg.Bridge); err != nil {
		return reject(CodeRecipient, "bridge: %s", err)
	}
	if msg.CodeHash.IsZero() {
		return reject(CodeMalformed, "the bridge's code hash is zero")
	}
	if hash := m.set.Hash(); msg.SetHash != hash {
		return reject(CodeCertificate, "the bridge holds set %s, the current one is %s", msg.SetHash, hash)
	}
	domain := bridgecontracts.NewDomain(m.ledger.hash, msg.Chain, msg.Bridge)
	digest := bridgecontracts.AttachDigest(domain, msg.Sequence, msg.CodeHash, msg.SetHash, msg.StartBlock)
	if err := m.set.VerifyQuorum(validators.Listeners, digest, msg.Listeners); err != nil {
		return reject(CodeCertificate, "%s", err)
	}
	if err := m.set.VerifyQuorum(validators.Approvers, digest, msg.Approvers); err != nil {
		return reject(CodeCertificate, "%s", err)
	}
	b := &bridge{assets: &assets, dirty: true, Bridge: Bridge{
		Domain: domain, Chain: msg.Chain, Address: msg.Bridge, CodeHash: msg.CodeHash, StartBlock: msg.StartBlock,
		Generation: 1, Head: bridgecontracts.FirstHead(domain),
		Epoch: m.set.Epoch, SetHash: msg.SetHash, NextWithdrawal: 1,
	}}
	for i := range assets.tokens {
		t := &assets.tokens[i]
		b.Tokens = append(b.Tokens, TokenBook{Asset: t.id, Token: t.token.Address, QueueHead: FirstPosition, QueueTail: FirstPosition})
	}
	m.bridges = append(m.bridges, b)
	m.meta.Bridges = append(m.meta.Bridges, domain)
	m.metaDirty = true
	m.emit(&BridgeAttached{Domain: domain, Chain: msg.Chain, Bridge: msg.Bridge})
	return m.table.put(chainKey(msg.Chain), (*word)(&domain))
}

// tick lets time be looked at on every bridge.
func (m *machine) tick() error {
	if err := m.readMeta(); err != nil {
		return err
	}
	for _, domain := range m.meta.Bridges {
		b, err := m.knownBridge(domain)
		if err != nil {
			return err
		}
		b.moved = true
	}
	return nil
}
